import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { DraftFigures } from '../../contract/backend.ts'
import type { LibraryModel, ModelFacts } from '../../contract/model.ts'
import { openDatabase } from './database.ts'
import { DraftRecords } from './draft-records.ts'
import { Drafts, planDraftLoad } from './drafts.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'plenum-drafts-'))
const database = openDatabase(path.join(folder, 'plenum.db'))
afterAll(() => {
  database.close()
  rmSync(folder, { recursive: true })
})

const facts = {
  ...{ vocabularySize: 1000, vocabularyFingerprint: 'a', recurrentStateBytes: 0, trainContextTokens: 4096 },
  ...{ weightBytes: 1000, layers: 2, kvLayerGroups: [], mergeCount: 0, headCount: 2, embeddingLength: 8 },
  ...{ feedForwardLength: 8, experts: null, tensorTypes: [], inputBytes: 0, outputBytes: 0, dryRuns: [] },
} as Partial<ModelFacts> as ModelFacts

const entry = (id: string, changes: Partial<ModelFacts> = {}) =>
  ({
    ...{ id, name: id.toUpperCase(), paths: [`/${id}.gguf`] },
    file: { kind: 'usable', facts: { ...facts, ...changes } },
  }) as Partial<LibraryModel> as LibraryModel
const entries = [
  entry('large'),
  entry('small', { weightBytes: 100 }),
  entry('tiny', { weightBytes: 10 }),
  entry('other', { weightBytes: 10, vocabularyFingerprint: 'b' }),
  entry('recurrent', { weightBytes: 10, recurrentStateBytes: 8 }),
]
const file = { modelId: 'large', stamp: '1', backend: 'CPU' }
const settings = { isOn: true }

function drafts(): Drafts {
  return new Drafts({
    library: {
      get: (id) => entries.find((each) => each.id === id),
      list: () => entries,
      stamp: (id) => `${id} stamp`,
    },
    records: new DraftRecords(database),
    isOn: () => settings.isOn,
  })
}

const plan = (choice: string, of: Partial<ModelFacts> = {}, from = drafts()) =>
  from.plan({
    ...{ model: entry('large', of), facts: { ...facts, ...of }, choice, file },
    fullWindowCache: false,
  })

/** Drafted steps `gain` times as fast as plain ones. */
const figures = (kind: 'lookup' | 'model', gain: number): DraftFigures => ({
  ...{ kind, proposedTokens: 100, acceptedTokens: 50 },
  ...{ drafted: { tokens: 100, ms: 1000 / gain }, plain: { tokens: 100, ms: 1000 } },
})

test('plans as the user has chosen', () => {
  const short = (choice: string, of: Partial<ModelFacts> = {}) => {
    const { kinds, model, warnings, problem } = plan(choice, of)
    return [kinds.join(), model?.id ?? null, warnings.length, problem?.code ?? null]
  }
  expect(short('off')).toEqual(['', null, 0, null])
  expect(short('auto')).toEqual(['lookup', null, 0, null])
  expect(short('lookup')).toEqual(['lookup', null, 0, null])
  expect(short('model:small')).toEqual(['model', 'small', 0, null])
  expect(short('model:gone')).toEqual(['lookup', null, 1, null])
  expect(short('model:other')).toEqual(['', null, 0, 'BAD_INPUT'])
  expect(short('model:recurrent')).toEqual(['', null, 0, 'BAD_INPUT'])
  // The model itself cannot go back: said where it matters to somebody.
  expect(short('auto', { recurrentStateBytes: 8 })).toEqual(['', null, 0, null])
  expect(short('lookup', { recurrentStateBytes: 8 })).toEqual(['', null, 1, null])
})

test('what pays is used, what does not is left out, also after a restart', () => {
  const decide = drafts().ofLoad(plan('lookup'), file)
  expect(decide.choose()).toEqual({ kind: 'lookup' })
  decide.record(figures('lookup', 2))
  expect(drafts().ofLoad(plan('lookup'), file).choose()).toEqual({ kind: 'lookup' })
  for (let answers = 0; answers < 200; answers++) decide.record(figures('lookup', 0.5))
  expect(decide.choose()).toBeNull()
  const later = drafts().ofLoad(plan('lookup'), file)
  const chosen = Array.from({ length: 30 }, () => later.choose())
  // It is tried again after a while.
  expect(chosen.findIndex((choice) => choice !== null)).toBe(24)
  settings.isOn = false
  expect(decide.choose()).toBeNull()
  settings.isOn = true
})

test('a draft model is loaded by itself once it was measured to be worth it, and the best one', () => {
  for (const [id, gain] of [
    ['small', 1.5],
    ['tiny', 2],
  ] as const)
    drafts()
      .ofLoad(plan(`model:${id}`), file)
      .record(figures('model', gain))
  const found = plan('auto')
  expect([found.model?.id, found.kinds]).toEqual(['tiny', ['model', 'lookup']])
  // Another file by the same name was not measured.
  const changed = drafts().plan({
    ...{ model: entry('large'), facts, choice: 'auto', fullWindowCache: false },
    file: { ...file, stamp: '2' },
  })
  expect(changed.model).toBeNull()
})

test('tells what was measured of each draft that can be chosen', () => {
  const measured = drafts().measured(entry('large'), file)
  expect(measured.map(({ draft }) => draft)).toEqual(['lookup', 'model:tiny', 'model:small'])
  const [lookup, tiny] = measured
  expect(lookup?.gain).toBeCloseTo(0.5, 1)
  expect(tiny).toEqual({ draft: 'model:tiny', gain: 2, acceptance: 0.5 })
  expect(drafts().measured(entry('large'), { ...file, backend: 'Vulkan: card' })).toEqual([])
})

test('a draft model has a context of its own that is no larger than it needs', () => {
  const load = { contextTokens: 2048, batchTokens: 512 }
  expect(planDraftLoad(plan('model:small'), load)?.load).toMatchObject({
    ...{ path: '/small.gguf', name: 'SMALL', contextTokens: 2048, batchTokens: 256 },
  })
  expect(planDraftLoad(plan('model:small'), { ...load, contextTokens: 65_536 })?.load.contextTokens).toBe(
    4096,
  )
  expect(planDraftLoad(plan('lookup'), load)).toBeNull()
})
