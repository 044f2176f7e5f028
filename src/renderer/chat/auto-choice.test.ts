// @vitest-environment jsdom
import { beforeEach, expect, test, vi } from 'vitest'
import { plainAsking } from '../../contract/asking.ts'
import type { Conversation } from '../../contract/conversation.ts'
import type { LibraryModel } from '../../contract/model.ts'
import type { ModelRole } from '../../contract/routing.ts'
import type { Client } from '../connection.ts'
import { sendTurn } from '../send-turn.ts'
import { useApp } from '../store.ts'
import { autoOutlook, chooseAuto, chooseNextModel, isAutoNext, mentionAuto } from './auto-choice.ts'
import { describeOutlook, routerText } from './auto-line.tsx'
import { chooseSeveral, mentionModel, toggleModel } from './several-models.ts'
import { namedBy } from './use-mention.ts'
import { nextAnswerers } from './use-next-model.ts'

function model(id: string, role?: Partial<ModelRole>): LibraryModel {
  return {
    ...{ id, name: id, paths: [], fileBytes: 1, source: 'added', projectorPath: null, pinned: false },
    ...{ colour: 0, loadOptions: {}, addedAt: 0 },
    file: { kind: 'usable', facts: {} },
    ...(role && { role: { labels: [], routes: false, verifies: false, ...role } }),
  } as unknown as LibraryModel
}

const models = [
  model('guide', { labels: [{ name: 'chat' }] }),
  model('coder', { labels: [{ name: 'code' }] }),
  model('judge', { routes: true }),
]
const setAsking = vi.fn(async () => undefined)
const send = vi.fn(async () => ({
  ...{ id: 't', siblingIds: ['t'], parentId: null, chosenAnswerId: 'a' },
  answers: [{ id: 'a', modelId: 'guide', state: { kind: 'done' } }],
}))

beforeEach(() => {
  setAsking.mockClear()
  send.mockClear()
  useApp.setState(useApp.getInitialState(), true)
  useApp.setState({
    ...{ connection: 'open', models, nextModelId: 'guide', conversationId: 'c' },
    client: { conversations: { setAsking }, turns: { send } } as unknown as Client,
    conversation: { id: 'c', turns: [], ...plainAsking } as unknown as Conversation,
  })
})

function now() {
  const state = useApp.getState()
  return { isAuto: isAutoNext(state), answerers: nextAnswerers(state) }
}

test('Auto stays on until a model is chosen, and the host is told of both', () => {
  chooseAuto()
  const on = now()
  chooseNextModel('coder')
  expect({ on, off: now(), told: setAsking.mock.calls }).toEqual({
    on: { isAuto: true, answerers: { modelId: 'guide', isAuto: true } },
    off: { isAuto: false, answerers: { modelIds: ['coder'] } },
    told: [[{ id: 'c', isAuto: true }], [{ id: 'c', isAuto: false }]],
  })
})

test('what the host refuses is as it was', async () => {
  setAsking.mockRejectedValueOnce(new Error('Gone'))
  chooseAuto()
  await vi.waitFor(() => expect(useApp.getState().notices).toHaveLength(1))
  expect(now().isAuto).toBe(false)
})

test('in a new conversation Auto waits for its first message', () => {
  useApp.setState({ conversationId: null, conversation: null })
  chooseAuto()
  expect([now().isAuto, useApp.getState().newAsking]).toEqual([true, { ...plainAsking, isAuto: true }])
  expect(setAsking).not.toHaveBeenCalled()
})

test('several models at once are the user’s choice: Auto is over', () => {
  chooseAuto()
  chooseSeveral(true)
  expect(now().isAuto).toBe(false)
  chooseAuto()
  expect([now().isAuto, useApp.getState().besideIds]).toEqual([true, null])
  toggleModel('guide', 'coder')
  expect(now()).toEqual({ isAuto: false, answerers: { modelIds: ['guide', 'coder'] } })
})

test('@auto is for one turn, and @name for one turn with Auto', async () => {
  mentionModel('coder', { chosenId: 'guide' })
  mentionAuto({ chosenId: 'coder' })
  expect(now()).toEqual({ isAuto: true, answerers: { modelId: 'guide', isAuto: true } })
  await sendTurn('Hello', 'guide', { isAuto: true })
  const after = now()
  expect(send.mock.calls).toEqual([[{ conversationId: 'c', text: 'Hello', modelId: 'guide', isAuto: true }]])
  chooseAuto()
  mentionModel('coder', { chosenId: 'guide' })
  const named = now()
  await sendTurn('Hello', 'coder')
  expect({ after, named, then: now().isAuto, told: setAsking.mock.calls }).toEqual({
    after: { isAuto: false, answerers: { modelIds: ['guide'] } },
    named: { isAuto: false, answerers: { modelIds: ['coder'] } },
    then: true,
    told: [[{ id: 'c', isAuto: true }]],
  })
})

test('who answered before goes on where Auto finds nobody better', () => {
  const answer = { id: 'a', modelId: 'coder' }
  const turns = [{ id: 't', answers: [answer], chosenAnswerId: 'a' }]
  useApp.setState({
    conversation: { id: 'c', turns, ...plainAsking, isAuto: true } as unknown as Conversation,
  })
  expect(now().answerers).toEqual({ modelId: 'coder', isAuto: true })
})

test('Auto can be named, after the models unless by its whole name', () => {
  const names = (query: string, among = models) => namedBy(query, among).map(({ name }) => name)
  const autopilot = model('autopilot')
  expect([names(''), names('aut', [autopilot]), names('auto', [autopilot]), names('', [])]).toEqual([
    ['guide', 'coder', 'judge', 'Auto'],
    ['autopilot', 'Auto'],
    ['Auto', 'autopilot'],
    [],
  ])
})

test('says who sorts, and what keeps Auto from choosing', () => {
  const outlook = (options: Partial<Parameters<typeof autoOutlook>[0]>) => {
    const found = autoOutlook({ models, residency: {}, routerId: null, ...options })
    return [
      found.kind,
      ...('router' in found ? [found.router.id] : []),
      ...('label' in found ? [found.label] : []),
    ]
  }
  const others = [...models, model('sorter', { routes: true })]
  expect([
    outlook({ models: others, residency: { sorter: 'ready' } }),
    // One that is named is loaded; by its role alone nobody is.
    outlook({ routerId: 'judge' }),
    outlook({}),
    outlook({ routerId: 'gone' }),
    outlook({ models: models.slice(0, 2) }),
    outlook({ models: models.slice(1) }),
    outlook({ models: models.slice(2) }),
  ]).toEqual([
    ['router', 'sorter'],
    ['router', 'judge'],
    ['router-absent', 'judge'],
    ['router-absent', 'judge'],
    ['no-router'],
    ['few-labels', 'code'],
    ['few-labels', null],
  ])
  const words = (found: Parameters<typeof describeOutlook>[0]) =>
    describeOutlook(found, { fallbackName: 'Guide' }).words
  expect([
    words({ kind: 'router-absent', router: model('Judge') }),
    words({ kind: 'no-router' }),
    words({ kind: 'few-labels', label: 'code' }),
    words({ kind: 'few-labels', label: null }),
  ]).toEqual([
    'Judge, which sorts messages, is not in memory: Guide answers',
    'No model here sorts messages: Guide answers',
    'The models here have only one label, “code”: Guide answers',
    'The models here have no labels: Guide answers',
  ])
  expect([
    routerText('Judge', { state: 'ready', costText: null }),
    routerText('Judge', { state: undefined, costText: '2.3 MB, nobody leaves' }),
  ]).toEqual([
    'Judge sorts the message; who answers, and what that costs, is known then',
    'Judge sorts the message, and loads first: 2.3 MB, nobody leaves; who answers, and what that costs, is known then',
  ])
})
