import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { greedy, llamaFile, tinyShape } from '../../testing/shapes.ts'
import { startTestHost } from './testing-host.ts'

const root = path.resolve(import.meta.dirname, '../../..')
const demo = path.join(root, 'resources/demo-models')
const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'
const judge = 'demo-judge-2.2m-q8_0'
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-pipelines-'))
const state: { host?: Awaited<ReturnType<typeof startHost>> } = {}

async function startHost() {
  const { host, client } = await startTestHost(folder, { poolSizeBytes: GB, reserveBytes: 64 * MB })
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
const sample = () => readFileSync(path.join(root, 'resources/pipelines/unified-ai-pipeline.yaml'), 'utf8')

test('checks the sample as it stands, its files missing, and refuses to load it, naming them all', async () => {
  const before = await client().models.list()
  const report = await client().pipelines.check({ text: sample() })
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(report.plan?.models.map(({ state: at, bytes }) => [at, bytes / GB])).toEqual([
    ['missing', 42],
    ['missing', 20],
    ['missing', 7],
  ])
  await expect(client().pipelines.load({ text: sample() })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringMatching(
      /3 files are not there: .*70b-fp4\.gguf.*30b-q4km\.gguf.*7b-q8\.gguf/,
    ) as string,
  })
  expect(await client().models.list()).toEqual(before)
})

test('writes what is in memory as a file that checks without an error and stands for the same', async () => {
  await client().models.update({
    id: coder,
    loadOptions: { contextTokens: 512, kvBudgetBytes: 64 * MB, bandwidthThrottle: false, kvType: 'f16' },
    sampling: { temperature: 0.2, topK: 10, stopTexts: ['# end'] },
    role: { labels: [{ name: 'code', examples: ['Sort a list'] }], routes: false, verifies: false },
  })
  await client().models.update({ id: guide, loadOptions: { draft: `model:${judge}` } })
  await client().models.pin({ id: judge })
  const { text } = await client().pipelines.write()
  expect(text).toMatch(
    /^# yaml-language-server: \$schema=file:.*\/resources\/plenum-pipeline\.schema\.json\n/,
  )
  const report = await client().pipelines.check({ text })
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(report.plan).toMatchObject({ fits: 'together', reloadsPerTurn: 0 })
  expect(report.plan?.models.map(({ modelId }) => modelId).toSorted()).toEqual([coder, guide, judge])
  const coderOf = report.plan?.models.find(({ modelId }) => modelId === coder)
  expect(coderOf).toMatchObject({ state: 'usable', contextTokens: 512, kvBudgetBytes: 64 * MB })
  expect(text).toMatch(new RegExp(`draft: ${judge}`))
  // Loading it changes nothing.
  const before = await client().models.list()
  await client().pipelines.load({ text })
  expect(
    (await client().models.list()).map(({ loadOptions, sampling, role, pinned }) => ({
      loadOptions,
      sampling,
      role,
      pinned,
    })),
  ).toEqual(
    before.map(({ loadOptions, sampling, role, pinned }) => ({ loadOptions, sampling, role, pinned })),
  )
  await client().models.unpin({ id: judge })
}, 60_000)

test('loads a set from a file beside its models: adds what is new, applies what is said, makes room, all by one plan', async () => {
  const models = path.join(folder, 'set', 'models')
  mkdirSync(models, { recursive: true })
  copyFileSync(path.join(demo, 'demo-coder-2.2m-f16.gguf'), path.join(models, 'my-coder.gguf'))
  const file = path.join(folder, 'set', 'set.yaml')
  writeFileSync(
    file,
    `memory: { eviction_policy: lru, kv_cache_budget_gb: 0.05 }
models:
  - id: writer
    path: models/my-coder.gguf
    name: My coder
    max_context: 512
    kv_type: f16
    pinned: true
    draft: lookup
    sampling: { temperature: 0, top_k: 5 }
    role: { labels: [{ name: code }] }
  - id: sorter
    path: ${path.join(demo, 'demo-judge-2.2m-q8_0.gguf')}
    draft: lookup
    role: { routes: true, verifies: true }
router: { model: sorter, time_limit_ms: 900 }
verifier: { model: sorter, repair_by: writer }
runtime: { speculative_decoding: false, early_stopping: false }
`,
  )
  const { modelIds } = await client().pipelines.load({ path: file })
  expect(modelIds).toEqual(['my-coder', judge])
  const list = await client().models.list()
  expect(list.find(({ id }) => id === 'my-coder')).toMatchObject({
    name: 'My coder',
    pinned: true,
    loadOptions: { contextTokens: 512, kvType: 'f16', kvBudgetBytes: Math.round(0.05 * GB), draft: 'lookup' },
    sampling: { temperature: 0, topK: 5 },
    role: { labels: [{ name: 'code' }], routes: false, verifies: false },
  })
  expect(list.find(({ id }) => id === judge)?.loadOptions.draft).toBe('lookup')
  expect(await client().settings.get()).toMatchObject({
    ...{
      evictionPolicy: 'lru',
      routerId: judge,
      routerLimitMs: 900,
      verifierId: judge,
      repairerId: 'my-coder',
      speculativeDecoding: 'off',
      earlyStopping: false,
    },
  })
  const { residents } = await client().pool.get()
  expect(residents.filter(({ state: at }) => at === 'ready').map(({ modelId }) => modelId)).toEqual(
    expect.arrayContaining(['my-coder', judge]),
  )
  expect(residents.find(({ modelId }) => modelId === 'my-coder')?.contextLimitTokens).toBe(512)
}, 60_000)

test('a set for which there is no room is refused as a whole, with what would help, and nothing changes', async () => {
  const file = path.join(folder, 'wide.gguf')
  const shape = { ...tinyShape, layers: 16, embedding: 256, heads: 8, kvHeads: 8, headLength: 128 }
  writeGgufFile(
    file,
    llamaFile({ ...shape, contextTokens: 16_384 }, { name: 'Wide', weights: 'F16', extra: greedy }),
  )
  for (const id of [guide, coder, judge]) await client().models.pin({ id })
  const before = { models: await client().models.list(), settings: await client().settings.get() }
  const text = `memory: { eviction_policy: cost }
models:
  - { id: wide, path: ${file}, max_context: 9500, start_context_tokens: 9500, role: { verifies: true } }
`
  // By itself it has room in this pool, so that the file is right.
  expect(await client().pipelines.check({ text })).toMatchObject({ plan: { fits: 'together' } })
  await expect(client().pipelines.load({ text })).rejects.toMatchObject({
    code: 'NO_ROOM',
    data: { help: expect.stringMatching(/[Uu]npin "/) as string },
  })
  expect({ models: await client().models.list(), settings: await client().settings.get() }).toEqual(before)
  // Too large for any pool of this size: said at its line.
  const report = await client().pipelines.check({ text: text.replaceAll('9500', '16000') })
  expect(report.findings.find(({ severity }) => severity === 'error')).toMatchObject({
    line: 3,
    path: 'models[0].path',
  })
})

test('a path that is no pipeline is refused with what would help', async () => {
  // 100 MB, of which nothing is read.
  const huge = path.join(folder, 'huge.yaml')
  writeFileSync(huge, '')
  truncateSync(huge, 100 * MB)
  for (const [given, message] of [
    [huge, /it is too long to be a pipeline/],
    [path.join(folder, 'none.yaml'), /there is no such file/],
    [path.join(demo, 'README.md'), /it is no YAML file/],
    [folder, /it is no YAML file/],
  ] as const)
    await expect(client().pipelines.check({ path: given })).rejects.toThrow(message)
})
