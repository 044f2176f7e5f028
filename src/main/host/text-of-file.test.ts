import { expect, test } from 'vitest'
import { textOfFile } from './text-of-file.ts'

const text = 'Größe: 3 µm\nconst a = 1\n'

function utf16(order: 'le' | 'be', { mark }: { mark: boolean }): Uint8Array {
  const bytes = Buffer.from((mark ? '\uFEFF' : '') + text, 'utf16le')
  return order === 'le' ? bytes : bytes.swap16()
}

test('reads UTF-8 and UTF-16, with and without a byte order mark', () => {
  const files = [
    Buffer.from(text),
    Buffer.from(`\uFEFF${text}`),
    utf16('le', { mark: true }),
    utf16('be', { mark: true }),
    utf16('le', { mark: false }),
    utf16('be', { mark: false }),
    Buffer.from(text.replaceAll('\n', '\r\n')),
  ]
  expect(files.map((file) => textOfFile(file))).toEqual(files.map(() => ({ kind: 'text', text })))
})

test('knows a PDF by what is in it', () => {
  expect(textOfFile(Buffer.from('%PDF-1.7\n\u0001\u0002'))).toEqual({ kind: 'pdf' })
})

test.each([
  ['a PNG picture', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]],
  ['a ZIP archive', [0x50, 0x4b, 0x03, 0x04, 0x14, 0, 0xff, 0xfe]],
  ['a GGUF model', [...Buffer.from('GGUF'), 3, 0, 0, 0, 9, 0, 0, 0]],
  ['no text', [0xc3, 0x28, 0xa0, 0xff, 0x12]],
  ['no text', [...Buffer.from('abc'), 1, 2, 3, 4, 5, 6]],
  ['empty', []],
])('refuses what is no text: %s', (what, bytes) => {
  const refused = textOfFile(Uint8Array.from(bytes))
  expect(refused.kind === 'refused' && refused.fact).toContain(what)
})

test('text that begins like a picture or a program is text', () => {
  expect(textOfFile(Buffer.from('MZ is where every Windows program begins')).kind).toBe('text')
})
