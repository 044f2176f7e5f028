// @vitest-environment jsdom
import { beforeEach, expect, test } from 'vitest'
import type { LibraryModel } from '../../contract/model.ts'
import { useApp } from '../store.ts'
import { describePlan } from './describe-plan.ts'
import { goOnWith, mentionModel, toggled, toggleModel } from './several-models.ts'

beforeEach(() => useApp.setState({ nextModelId: 'a', besideIds: null, beforeMention: null }))

function asked() {
  const { nextModelId, besideIds } = useApp.getState()
  return [nextModelId, ...(besideIds ?? [])]
}

test('one stays, and no more are added than may be asked at once', () => {
  expect(toggled(['a'], 'a')).toEqual(['a'])
  expect(toggled(['a', 'b'], 'a')).toEqual(['b'])
  expect(toggled(['a', 'b', 'c'], 'd')).toEqual(['a', 'b', 'c', 'd'])
  expect(toggled(['a', 'b', 'c', 'd'], 'e')).toEqual(['a', 'b', 'c', 'd'])
})

test('models are added to the chosen one and taken out again', () => {
  toggleModel('a', 'b')
  toggleModel('a', 'c')
  expect(asked()).toEqual(['a', 'b', 'c'])
  toggleModel('a', 'a')
  expect(asked()).toEqual(['b', 'c'])
})

test('the first that is named takes the turn, the next ones join it, and what was chosen before is remembered', () => {
  mentionModel('b', { chosenId: 'a' })
  expect(asked()).toEqual(['b'])
  mentionModel('c', { chosenId: 'b' })
  mentionModel('c', { chosenId: 'b' })
  expect(asked()).toEqual(['b', 'c'])
  expect(useApp.getState().beforeMention).toEqual({ nextModelId: 'a', besideIds: null })
})

test('the conversation goes on with the kept model alone, after a turn for which others are named', () => {
  useApp.setState({ models: [{ id: 'b' }] as unknown as LibraryModel[] })
  toggleModel('a', 'b')
  goOnWith('b')
  expect(useApp.getState()).toMatchObject({ nextModelId: 'b', besideIds: null })
  mentionModel('c', { chosenId: 'b' })
  goOnWith('b')
  expect(asked()).toEqual(['c'])
  expect(useApp.getState().beforeMention).toEqual({ nextModelId: 'b', besideIds: null })
  goOnWith('no longer here')
  expect(useApp.getState()).toMatchObject({ nextModelId: 'c', besideIds: null })
})

test('a plan in words', () => {
  const model = (name: string, kind: 'resident' | 'loads', round = 0) => ({
    ...{ modelId: name, name, kind, round, bytes: kind === 'loads' ? 2 ** 30 : 0 },
  })
  const leaver = (name: string) => ({ modelId: name, name, freesBytes: 1 })
  const plans = [
    { models: [model('A', 'resident'), model('B', 'resident')], rounds: 1, leaving: [] },
    { models: [model('A', 'resident'), model('B', 'loads')], rounds: 1, leaving: [] },
    { models: [model('A', 'resident'), model('B', 'loads')], rounds: 1, leaving: [leaver('C')] },
    { models: [model('A', 'loads'), model('B', 'loads', 1)], rounds: 2, leaving: [leaver('A')] },
  ]
  expect(plans.map(describePlan)).toEqual([
    'All 2 are resident',
    'A is resident; B loads first (1.00 GB); nobody leaves',
    'A is resident; B loads first (1.00 GB); C leaves',
    'A and B load first (2.00 GB); not all fit at once: A first, then B',
  ])
})
