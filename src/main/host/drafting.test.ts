import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Turn } from '../../contract/conversation.ts'
import type { PoolSnapshot, Resident } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { gemma3File, greedy, llamaFile, tinyShape } from '../../testing/shapes.ts'
import { startTestHost } from './testing-host.ts'

const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-drafting-'))
const state: { host?: Awaited<ReturnType<typeof startHost>> } = {}

async function startHost() {
  const { host, client } = await startTestHost(folder, { spareQuietMs: 0 })
  await client.settings.set({ spareProcess: false })
  return { host, client }
}

beforeAll(async () => {
  state.host = await startHost()
  for await (const { residents } of await client().pool.watch())
    if (residents.filter((each) => each.state === 'ready').length === 3) break
}, 60_000)
afterAll(async () => {
  await state.host?.host[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const client = () => state.host!.client

/** Loads a model anew; how it came out. */
async function load(id: string, options: LoadOptions): Promise<{ pool: PoolSnapshot; resident: Resident }> {
  await client().models.unload({ id })
  await client().models.load({ id, options })
  const pool = await client().pool.get()
  return { pool, resident: pool.residents.find(({ modelId }) => modelId === id)! }
}

async function ask(modelId: string, text: string) {
  const { id } = await client().conversations.create({})
  const turn = (await client().turns.ask({
    ...{ id, text, modelId },
    sampling: { temperature: 0 },
  })) as Turn
  return turn.answers[0]!
}

/** Adds a file of random weights to the library; its id. */
async function add(name: string, content: ReturnType<typeof llamaFile>): Promise<string> {
  const file = path.join(folder, `${name}.gguf`)
  writeGgufFile(file, content)
  const [result] = await client().models.add({ path: file })
  if (result?.kind !== 'added') throw new Error(`"${name}" was not added`)
  return result.model.id
}

const bytesOf = (footprint: Resident['footprint'], part: string) =>
  footprint.filter((each) => each.part === part).reduce((sum, { bytes }) => sum + bytes, 0)

test('a draft model is loaded beside its model, counts in its footprint, and the answers stay the same', async () => {
  await load(guide, { draft: 'off' })
  const plain = await ask(guide, 'How do I pin a model?')
  expect(plain.stats?.draft).toBeUndefined()
  // Twice: what the same load has taken is known then.
  await load(guide, { draft: `model:${coder}` })
  const { pool, resident } = await load(guide, { draft: `model:${coder}` })
  expect(resident).toMatchObject({
    warnings: [],
    loadedWith: { draft: { modelId: coder, name: 'Coder', contextTokens: 1024 } },
  })
  const file = (await client().models.list()).find(({ id }) => id === coder)!
  const draftBytes = bytesOf(resident.footprint, 'draft')
  // Weights, a KV cache of 1,024 tokens and buffers.
  expect(draftBytes).toBeGreaterThan(file.fileBytes)
  expect(Math.abs(draftBytes / bytesOf(resident.predicted, 'draft') - 1)).toBeLessThan(0.05)
  const [domain] = pool.domains
  const held = pool.residents.flatMap(({ footprint }) => footprint)
  expect(held.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(domain!.usedBytes)

  const drafted = await ask(guide, 'How do I pin a model?')
  expect(drafted.text).toBe(plain.text)
  expect(drafted.state).toEqual({ kind: 'done', stopReason: 'end' })
  await load(guide, {})
})

test('a prediction of a draft model is close before anything was measured', async () => {
  const preview = await client().models.preview({ id: coder, draft: `model:${guide}`, reload: true })
  const predicted = bytesOf(preview.footprint, 'draft')
  const { resident } = await load(coder, { draft: `model:${guide}` })
  const measured = bytesOf(resident.footprint, 'draft')
  expect(Math.abs(predicted / measured - 1)).toBeLessThan(0.2)
  await load(coder, {})
})

test('looking up is tried by itself, and its acceptance is on the turn', async () => {
  const { resident } = await load(guide, {})
  expect(resident.loadedWith?.draft).toBeUndefined()
  expect(bytesOf(resident.footprint, 'draft')).toBe(0)
  const { id } = await client().conversations.create({})
  const turns: Turn[] = []
  for (let times = 0; times < 2; times++)
    turns.push(
      (await client().turns.ask({
        ...{ id, text: 'Who are you?', modelId: guide },
        sampling: { temperature: 0 },
      })) as Turn,
    )
  const stats = turns.map(({ answers }) => answers[0]?.stats)
  expect(stats[0]?.draft).toBeUndefined()
  expect(stats[1]?.draft).toMatchObject({ kind: 'lookup' })
  expect(stats[1]!.draft!.acceptedTokens).toBeGreaterThan(0)
  // It is kept with the answer.
  const { turns: kept } = await client().conversations.get({ id })
  expect(kept.at(-1)?.answers[0]?.stats?.draft).toEqual(stats[1]?.draft)
})

test('the settings switch it off for all, at once', async () => {
  await client().settings.set({ speculativeDecoding: 'off' })
  const { id } = await client().conversations.create({})
  for (let times = 0; times < 2; times++) {
    const turn = (await client().turns.ask({ id, text: 'Who are you?', modelId: guide })) as Turn
    expect(turn.answers[0]?.stats?.draft).toBeUndefined()
  }
  const { resident } = await load(guide, { draft: `model:${coder}` })
  expect(bytesOf(resident.footprint, 'draft')).toBe(0)
  expect(resident.warnings).toEqual(['Speculative decoding is switched off in the settings'])
  await client().settings.set({ speculativeDecoding: 'auto' })
  await load(guide, {})
})

test('a draft of another vocabulary is refused with both sizes, one that is gone is left out', async () => {
  const other = await add(
    'other',
    llamaFile({ ...tinyShape, vocabulary: 600 }, { data: 'random', extra: greedy }),
  )
  const refused = {
    code: 'BAD_INPUT',
    message: 'Cannot draft for "Guide" with "other": their vocabularies have 1,024 and 600 tokens',
  }
  await expect(
    client().models.preview({ id: guide, draft: `model:${other}`, reload: true }),
  ).rejects.toMatchObject(refused)
  await client().models.unload({ id: guide })
  await expect(
    client().models.load({ id: guide, options: { draft: `model:${other}` } }),
  ).rejects.toMatchObject(refused)
  const { resident } = await load(guide, { draft: 'model:nobody' })
  expect(resident.warnings).toEqual(['The draft model is left out: "nobody" is not in the library'])
})

test('models that cannot go back say so where drafts were asked for', async () => {
  const shape = { layers: 6, embedding: 64, feedForward: 128, heads: 4, kvHeads: 2, headLength: 16 }
  const options = { data: 'random', contextTokens: 1024, extra: greedy } as const
  const id = await add('window', gemma3File(options, { ...shape, vocabulary: 4000, windowTokens: 64 }))
  const asked = await load(id, { draft: 'lookup' })
  expect(asked.resident.warnings).toEqual([expect.stringContaining('full sliding-window cache')])
  expect((await load(id, {})).resident.warnings).toEqual([])
  expect((await load(id, { draft: 'lookup', fullWindowCache: true })).resident.warnings).toEqual([])
  await client().models.unload({ id })
})
