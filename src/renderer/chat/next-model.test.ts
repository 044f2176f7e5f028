import { expect, test } from 'vitest'
import type { LibraryModel, ModelFileState } from '../../contract/model.ts'
import { nextModel, whyUnusable } from './next-model.ts'

const facts = {} as Extract<ModelFileState, { kind: 'usable' }>['facts']

function model(id: string, file: ModelFileState = { kind: 'usable', facts }): LibraryModel {
  return {
    id,
    name: id,
    paths: [`/${id}.gguf`],
    fileBytes: 1,
    source: 'added',
    projectorPath: null,
    file,
    pinned: false,
    colour: 0,
    loadOptions: {},
    addedAt: 0,
  }
}

const models = [
  model('broken', {
    kind: 'unusable',
    problem: { code: 'BAD_MODEL_FILE', message: 'Not a GGUF', details: {} },
  }),
  model('new', { kind: 'inspecting' }),
  model('gone', { kind: 'missing' }),
  model('coder'),
  model('guide'),
]

test('takes the first choice that can answer, then a resident, then any', () => {
  const choose = (residency: Parameters<typeof nextModel>[0]['residency'], ...preferred: (string | null)[]) =>
    nextModel({ models, residency, preferred })?.id
  expect([
    choose({ guide: 'ready' }, 'coder', 'guide'),
    choose({ guide: 'ready' }, 'broken', null, 'unknown'),
    choose({}, 'broken'),
    choose({ gone: 'ready' }, 'gone'),
  ]).toEqual(['coder', 'guide', 'coder', 'gone'])
})

test('says why a model cannot answer', () => {
  expect(models.map((each) => whyUnusable(each, {}))).toEqual([
    'Not a GGUF',
    'Its file is being read',
    'Its file is no longer there',
    null,
    null,
  ])
})

test('without a usable model there is none', () => {
  expect(nextModel({ models: models.slice(0, 3), residency: {}, preferred: ['broken'] })).toBeNull()
})
