// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from 'vitest'
import type { PoolSnapshot, Resident } from '../contract/memory.ts'
import type { LibraryModel, LoadOptions } from '../contract/model.ts'
import type { Addition } from './additions.ts'
import type { Client } from './connection.ts'
import {
  dismissProposal,
  followAdvice,
  loadProposed,
  proposeLoad,
  saveOptions,
  settleForTurn,
  shownProposal,
  type Proposal,
} from './proposal.ts'
import { chooseNextModel } from './chat/auto-choice.ts'
import { useApp } from './store.ts'

const guide = {
  id: 'guide',
  name: 'Guide',
  loadOptions: { threads: 2 },
} as Partial<LibraryModel> as LibraryModel
const offered: Addition = {
  id: 'addition',
  name: 'guide.gguf',
  state: { kind: 'offered', model: guide, isKnown: false },
}

function poolWith(state: Resident['state'] | null): PoolSnapshot {
  const residents = state === null ? [] : [{ modelId: 'guide', state } as Partial<Resident> as Resident]
  return { residents } as Partial<PoolSnapshot> as PoolSnapshot
}

const update = vi.fn(async ({ loadOptions }: { loadOptions: LoadOptions }) =>
  Promise.resolve({ ...guide, loadOptions }),
)
const load = vi.fn(async () => Promise.resolve())

beforeEach(() => {
  update.mockClear()
  load.mockClear()
  useApp.setState(useApp.getInitialState(), true)
  useApp.setState({
    client: { models: { update, load } } as unknown as Client,
    models: [guide],
    pool: poolWith(null),
  })
})

const proposal = () => useApp.getState().proposal

test('the proposal of a model that has come into memory is not shown, unless it is of its settings', () => {
  const shown = (from: Proposal['from'], state: Resident['state'] | null) =>
    shownProposal({ modelId: 'guide', options: {}, from }, { additions: [], pool: poolWith(state) })?.from
  expect([shown('turn', null), shown('turn', 'failed'), shown('turn', 'loading')]).toEqual([
    'turn',
    'turn',
    undefined,
  ])
  expect(shown('settings', 'ready')).toBe('settings')
})

test('without a wish of the user the first dropped model that waits is shown', () => {
  const expected = { modelId: 'guide', options: {}, from: 'drop' }
  expect(shownProposal(null, { additions: [offered], pool: poolWith(null) })).toEqual(expected)
  expect(shownProposal(null, { additions: [offered], pool: poolWith('ready') })).toBeNull()
})

test('advice adds to what is proposed, and loads nothing', () => {
  proposeLoad({ modelId: 'guide', options: { contextTokens: 512 } })
  followAdvice('guide', { kvType: 'q8_0' })
  expect(proposal()).toEqual({
    modelId: 'guide',
    options: { contextTokens: 512, kvType: 'q8_0' },
    from: 'drop',
  })
  expect([update.mock.calls, load.mock.calls]).toEqual([[], []])
})

test('advice is kept where the load settings are open', async () => {
  proposeLoad({ modelId: 'guide', from: 'settings' })
  followAdvice('guide', { kvType: 'q8_0' })
  await vi.waitFor(() =>
    expect(useApp.getState().models[0]?.loadOptions).toEqual({ threads: 2, kvType: 'q8_0' }),
  )
  expect(load.mock.calls).toEqual([])
})

test('loading keeps the options that were chosen beside those that there were', async () => {
  useApp.setState({ additions: [offered] })
  await loadProposed({ modelId: 'guide', options: { contextTokens: 512 }, from: 'drop' })
  expect(update.mock.calls).toEqual([[{ id: 'guide', loadOptions: { threads: 2, contextTokens: 512 } }]])
  expect(load.mock.calls).toEqual([[{ id: 'guide' }]])
  expect([proposal(), useApp.getState().additions]).toEqual([null, []])
})

test('dismissing takes what was dropped off the screen; closing the settings does not', () => {
  useApp.setState({ additions: [offered] })
  proposeLoad({ modelId: 'guide', from: 'settings' })
  dismissProposal({ modelId: 'guide', from: 'settings' })
  expect([proposal(), useApp.getState().additions.length]).toEqual([null, 1])
  dismissProposal({ modelId: 'guide', from: 'drop' })
  expect(useApp.getState().additions).toEqual([])
})

test('a model that is chosen for a turn is proposed while it is not in memory, and loaded by the turn', async () => {
  chooseNextModel('guide')
  expect(proposal()).toEqual({ modelId: 'guide', options: {}, from: 'turn' })
  followAdvice('guide', { contextTokens: 256 })
  await settleForTurn('guide')
  expect([proposal(), update.mock.calls.length, load.mock.calls.length]).toEqual([null, 1, 0])

  useApp.setState({ pool: poolWith('ready') })
  chooseNextModel('guide')
  expect(proposal()).toBeNull()
})

test('what a slider has gone on to while its last stop was saved is not lost', async () => {
  proposeLoad({ modelId: 'guide', options: { contextTokens: 512 }, from: 'settings' })
  const saving = saveOptions('guide', { contextTokens: 512, threads: 2 })
  proposeLoad({ modelId: 'guide', options: { contextTokens: 256 } })
  await saving
  expect(proposal()?.options).toEqual({ contextTokens: 256 })
  await saveOptions('guide', { contextTokens: 256, threads: 2 })
  expect(proposal()?.options).toEqual({})
})
