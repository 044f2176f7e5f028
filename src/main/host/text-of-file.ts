/** A file's text, or why it has none. */
export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'pdf' }
  | { readonly kind: 'refused'; readonly fact: string; readonly help: string }

/** What some files begin with that are no text; for the message. */
const signatures: readonly (readonly [name: string, bytes: readonly number[]])[] = [
  ['a PNG picture', [0x89, 0x50, 0x4e, 0x47]],
  ['a JPEG picture', [0xff, 0xd8, 0xff]],
  ['a GIF picture', [0x47, 0x49, 0x46, 0x38]],
  ['a ZIP archive, or a document that is kept as one', [0x50, 0x4b, 0x03, 0x04]],
  ['a gzip archive', [0x1f, 0x8b]],
  ['a program', [0x7f, 0x45, 0x4c, 0x46]],
  ['a program', [0x4d, 0x5a]],
  ['a GGUF model', [0x47, 0x47, 0x55, 0x46]],
  ['an old Word, Excel or PowerPoint document', [0xd0, 0xcf, 0x11, 0xe0]],
  ['an SQLite database', [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66, 0x6f, 0x72, 0x6d]],
]
const onlyText = 'Text and code in UTF-8 or UTF-16 can be attached, and PDF files with text in them'

/** Reads a file as text by what is in it, whatever its name says: UTF-8, or UTF-16 with or without a byte order mark. Pure. */
export function textOfFile(bytes: Uint8Array): FileText {
  const refused = (fact: string, help = onlyText): FileText => ({ kind: 'refused', fact, help })
  if (bytes.length === 0) return refused('it is empty', 'Choose another file')
  // A PDF may have some other bytes before its header.
  if (Buffer.from(bytes.subarray(0, 1024)).includes('%PDF-')) return { kind: 'pdf' }
  const known = signatures.find(([, start]) => start.every((byte, index) => bytes[index] === byte))
  const text = decode(bytes)
  if (text !== null && !isBinary(text)) return { kind: 'text', text: text.replaceAll('\r\n', '\n') }
  return refused(known ? `it is ${known[0]}` : 'it is no text')
}

function decode(bytes: Uint8Array): string | null {
  const encoding = encodingOf(bytes)
  try {
    // A byte order mark is left out.
    return new TextDecoder(encoding, { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** By the byte order mark; else by where the zeros are: Latin letters in UTF-16 have one in every other byte. */
function encodingOf(bytes: Uint8Array): 'utf-8' | 'utf-16le' | 'utf-16be' {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  const sample = bytes.subarray(0, 4096)
  if (sample.length < 4 || sample.length % 2 !== 0) return 'utf-8'
  const zeros = [0, 0]
  for (const [index, byte] of sample.entries()) if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1
  const [even = 0, odd = 0] = zeros
  const many = sample.length / 5
  if (odd > many && even === 0) return 'utf-16le'
  return even > many && odd === 0 ? 'utf-16be' : 'utf-8'
}

/** Zeros are in no text, and other control characters are rare in it. */
function isBinary(text: string): boolean {
  const sample = text.slice(0, 65_536)
  // eslint-disable-next-line no-control-regex -- those are what is looked for
  const controls = sample.match(/[\u0001-\u0008\u000e-\u001a\u001c-\u001f]/g)?.length ?? 0
  return text.includes('\0') || controls > sample.length / 100
}
