import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hostilePdfs, textPdf } from '../../testing/pdf-file.ts'
import { Attachments } from './attachments.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { messagesOf } from './messages.ts'
import { startNodeChild } from './node-starter.ts'
import { createProbe, type Probe } from './probe.ts'

const model = { id: 'guide', name: 'Guide' }
const state: { folder: string; probe?: Probe; disposals: (() => void)[] } = { folder: '', disposals: [] }

beforeEach(async () => {
  state.folder = await mkdtemp(path.join(tmpdir(), 'plenum-attachments-'))
})
afterEach(async () => {
  for (const dispose of state.disposals.splice(0).reverse()) dispose()
  await rm(state.folder, { recursive: true })
})

function open(probe?: Pick<Probe, 'readPdf'>) {
  const database = openDatabase(path.join(state.folder, 'plenum.db'))
  const attachments = new Attachments(database, probe ? { probe } : {})
  const conversations = new Conversations(database, { attachments })
  const close = () => {
    conversations[Symbol.dispose]()
    if (database.isOpen) database.close()
  }
  state.disposals.push(close)
  const count = () => database.prepare('SELECT count(*) AS n FROM attachments').get()?.['n']
  return { attachments, conversations, close, count }
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

test('what is sent stays with its message, in order, and goes with its conversation; the rest goes at the next start', async () => {
  const first = open()
  const one = await first.attachments.add({ name: 'notes.txt', data: base64('The code is 7.\n') })
  const two = await first.attachments.add({ name: 'Pasted text', text: 'More' })
  const unsent = await first.attachments.add({ name: 'draft.txt', data: base64('Never sent') })
  const { id } = first.conversations.create()
  const turn = first.conversations.tree.addTurn(id, {
    ...{ text: 'What is the code?', models: [model] },
    attachmentIds: [two.id, one.id],
  })
  first.close()

  const { attachments, conversations, count } = open()
  const [restored] = conversations.get(id).turns
  expect(restored?.attachments).toEqual([two, one])
  expect(turn.attachments).toEqual([two, one])
  expect(() => attachments.get(unsent.id)).toThrow('There is no attachment')
  const messages = messagesOf(conversations.shownPath(id), { textOf: (each) => attachments.text(each) })
  expect(messages).toEqual([
    {
      role: 'user',
      text: 'Pasted text:\n```\nMore\n```\n\nnotes.txt:\n```\nThe code is 7.\n\n```\n\nWhat is the code?',
    },
  ])
  attachments.remove(one.id)
  await expect(attachments.cut(one.id, async () => Promise.resolve(3))).rejects.toThrow('was sent already')
  expect(attachments.text(one.id)).toBe('The code is 7.\n')
  conversations.delete(id)
  conversations.purge(id)
  expect(count()).toBe(0)
})

test('a fence in a text ends nothing, and a message may be its attachments alone', async () => {
  const { attachments, conversations } = open()
  const file = await attachments.add({ name: 'a.md', data: base64('````\ncode\n````') })
  const { id } = conversations.create()
  conversations.tree.addTurn(id, { text: '', models: [model], attachmentIds: [file.id] })
  expect(conversations.get(id).title).toBe('a.md')
  expect(messagesOf(conversations.shownPath(id), { textOf: (each) => attachments.text(each) })).toEqual([
    { role: 'user', text: 'a.md:\n`````\n````\ncode\n````\n`````' },
  ])
})

test('cutting keeps whole lines, says how long the text was, and is part of what models read', async () => {
  const { attachments, conversations } = open()
  const { id } = await attachments.add({ name: 'log.txt', data: base64('line\n'.repeat(100)) })
  const cut = await attachments.cut(id, async () => Promise.resolve(252))
  expect(cut).toEqual({ id, name: 'log.txt', kind: 'text', characters: 249, cutFromCharacters: 500 })
  const again = await attachments.cut(id, async () => Promise.resolve(103))
  expect(again).toMatchObject({ characters: 99, cutFromCharacters: 500 })
  const conversation = conversations.create()
  conversations.tree.addTurn(conversation.id, { text: 'Why?', models: [model], attachmentIds: [id] })
  const [message] = messagesOf(conversations.shownPath(conversation.id), {
    textOf: (each) => attachments.text(each),
  })
  expect(message?.text).toMatch(/^log\.txt \(the first 99 of 500 characters\):\n```\nline\n/)
})

test.each([
  ['cat.png', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2]), 'Cannot attach "cat.png": it is a PNG picture'],
  ['empty.txt', Buffer.from(''), 'Cannot attach "empty.txt": it is empty'],
  ['blank.txt', Buffer.from(' \n'), 'Cannot attach "blank.txt": there is no text in it'],
  ['big.txt', Buffer.alloc(5_000_001, 'a'), 'it has 5,000,001 characters, at most 5,000,000'],
  ['huge.bin', Buffer.alloc(20 * 2 ** 20 + 1), 'it has 20.0 MB, at most 20.0 MB are read'],
])('refuses %s and says why', async (name, bytes, message) => {
  const { attachments } = open()
  await expect(attachments.add({ name, data: bytes.toString('base64') })).rejects.toThrow(message)
})

test('the text of a PDF comes page by page; broken, empty and endless ones are refused and nothing else happens', async () => {
  await using probe = createProbe({
    start: startNodeChild,
    file: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
  })
  const { attachments } = open(probe)
  const add = async (data: Buffer) => attachments.add({ name: 'paper.pdf', data: data.toString('base64') })
  const paper = await add(textPdf(['Unified memory is one pool.', 'A second page']))
  expect(paper).toMatchObject({ kind: 'pdf', name: 'paper.pdf' })
  expect(attachments.text(paper.id)).toBe('Unified memory is one pool.\n\nA second page')
  await expect(add(Buffer.from('%PDF-1.7\nnothing'))).rejects.toThrow(
    'Cannot attach "paper.pdf": it cannot be read',
  )
  await expect(add(textPdf(['']))).rejects.toThrow('no page of it has text')
  await using hasty = createProbe({
    start: startNodeChild,
    file: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
    pdfLimitMs: 0,
  })
  const slow = open(hasty)
  await expect(
    slow.attachments.add({ name: 'slow.pdf', data: textPdf(['A']).toString('base64') }),
  ).rejects.toThrow('it was not read in 0 seconds')
})

test(
  'a PDF that was made to do harm is refused, or gives its text; the next one is read',
  { timeout: 120_000 },
  async () => {
    await using probe = createProbe({
      start: startNodeChild,
      file: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
    })
    const { attachments } = open(probe)
    const add = async (data: Buffer) => {
      try {
        return attachments.text((await attachments.add({ name: 'a.pdf', data: data.toString('base64') })).id)
      } catch (error) {
        return error instanceof Error ? error.message : String(error)
      }
    }
    expect({
      nested: await add(hostilePdfs.nested()),
      bomb: await add(hostilePdfs.bomb(2 ** 31)),
      picture: await add(hostilePdfs.picture()),
      endless: await add(hostilePdfs.endless()),
      harmless: await add(textPdf(['All is well'])),
    }).toEqual({
      nested: expect.stringMatching(/^Cannot attach "a\.pdf": /) as string,
      bomb: 'Cannot attach "a.pdf": the file stopped the PDF reader',
      picture: 'Beside it',
      endless: expect.stringMatching(/^Cannot attach "a\.pdf": /) as string,
      harmless: 'All is well',
    })
  },
)

test('a reader of PDFs that is killed refuses its file alone', async () => {
  const readers: ReturnType<typeof startNodeChild>[] = []
  await using probe = createProbe({
    start: (...child) => {
      const started = startNodeChild(...child)
      readers.push(started)
      return started
    },
    file: fileURLToPath(new URL('../model/index.ts', import.meta.url)),
  })
  const { attachments } = open(probe)
  const add = async () =>
    attachments.add({ name: 'a.pdf', data: textPdf(['All is well']).toString('base64') })
  const refused = add()
  readers[0]?.kill()
  await expect(refused).rejects.toThrow('Cannot attach "a.pdf": the file stopped the PDF reader')
  expect(attachments.text((await add()).id)).toBe('All is well')
})
