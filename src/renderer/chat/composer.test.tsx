// @vitest-environment jsdom
import { act, Profiler } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { plainAsking } from '../../contract/asking.ts'
import type { Answer, Conversation } from '../../contract/conversation.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import type { LibraryModel, ModelFileState } from '../../contract/model.ts'
import type { Client } from '../connection.ts'
import { poolOf, residentOf } from '../pool/testing-pool.ts'
import { useApp } from '../store.ts'
import { Composer } from './composer.tsx'

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)

const guide: LibraryModel = {
  id: 'guide',
  name: 'Guide',
  paths: ['/guide.gguf'],
  fileBytes: 1,
  source: 'added',
  projectorPath: null,
  file: { kind: 'usable', facts: {} as Extract<ModelFileState, { kind: 'usable' }>['facts'] },
  pinned: false,
  colour: 0,
  loadOptions: {},
  addedAt: 0,
}

function conversation(state: Answer['state']): Conversation {
  const answer = { id: 'a', modelId: 'guide', modelName: 'Guide', text: '', state, stats: null, createdAt: 0 }
  const turn = {
    ...{ id: 't', parentId: null, parentAnswerId: null, siblingIds: ['t'], text: 'Hi', answers: [answer] },
    ...{ chosenAnswerId: 'a', isUndecided: false, createdAt: 0 },
  }
  return {
    id: 'c',
    title: 'C',
    createdAt: 0,
    updatedAt: 0,
    turnCount: 1,
    lastModelId: 'guide',
    isPinned: false,
    isArchived: false,
    ...plainAsking,
    turns: [turn],
  }
}

function pool(usedTokens: number): PoolSnapshot {
  return poolOf([residentOf('guide', 1, { state: 'busy', leases: 1, usedTokens })]).pool
}

const send = vi.fn(async () => Promise.reject(new Error('No room')))
const stop = vi.fn(async () => undefined)
const drawn = vi.fn()
const page: { root: Root | null } = { root: null }

beforeEach(() => {
  send.mockClear()
  useApp.setState(useApp.getInitialState(), true)
  useApp.setState({
    connection: 'open',
    client: {
      turns: { send, stop },
      models: { preview: () => new Promise(() => undefined) },
    } as unknown as Client,
    models: [guide],
    conversationId: 'c',
    conversation: conversation({ kind: 'done', stopReason: 'end' }),
    drafts: { c: 'Hello', d: 'for another one' },
  })
  const box = document.createElement('div')
  document.body.append(box)
  page.root = createRoot(box)
  act(() =>
    page.root?.render(
      <Profiler id="composer" onRender={drawn}>
        <Composer />
      </Profiler>,
    ),
  )
})
afterEach(() => {
  act(() => page.root?.unmount())
  document.body.replaceChildren()
})

function field(): HTMLTextAreaElement {
  const found = document.querySelector('textarea')
  if (!found) throw new Error('The message box is gone')
  return found
}

async function press(init: KeyboardEventInit): Promise<boolean> {
  const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init })
  await act(async () => field().dispatchEvent(event))
  return event.defaultPrevented
}

function buttons(): string[] {
  return [...document.querySelectorAll('button')].map(({ textContent }) => textContent.trim())
}

test('Enter sends; Shift+Enter and the Enter that ends a composition do not', async () => {
  await press({ key: 'Enter', shiftKey: true })
  await press({ key: 'Enter', isComposing: true })
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- what those browsers send
  await press({ key: 'Enter', keyCode: 229 })
  const before = send.mock.calls.length
  const isTaken = await press({ key: 'Enter' })
  expect({ before, isTaken, calls: send.mock.calls }).toEqual({
    before: 0,
    isTaken: true,
    calls: [[{ conversationId: 'c', text: 'Hello', modelId: 'guide' }]],
  })
})

test('a refused message stays in the box, and can be sent again', async () => {
  await press({ key: 'Enter' })
  await press({ key: 'Enter' })
  expect({ text: field().value, calls: send.mock.calls.length }).toEqual({ text: 'Hello', calls: 2 })
})

test('while an answer runs it stops instead of sending, and keeps what is typed', async () => {
  act(() => useApp.setState({ conversation: conversation({ kind: 'writing' }) }))
  await press({ key: 'Enter' })
  const names = buttons()
  const button = [...document.querySelectorAll('button')].find(
    ({ textContent }) => textContent.trim() === 'Stop',
  )
  act(() => button?.click())
  expect({
    sent: send.mock.calls.length,
    text: field().value,
    hasSend: names.includes('Send'),
    stopped: stop.mock.calls,
  }).toEqual({ sent: 0, text: 'Hello', hasSend: false, stopped: [[{ turnId: 't' }]] })
})

test('each conversation has its own draft', () => {
  act(() => useApp.setState({ conversationId: 'd' }))
  const other = field().value
  act(() => useApp.setState({ conversationId: null }))
  expect([other, field().value]).toEqual(['for another one', ''])
})

test('snapshots of the pool and text that streams draw nothing here', () => {
  act(() => useApp.setState({ pool: pool(100), conversation: conversation({ kind: 'writing' }) }))
  drawn.mockClear()
  act(() => useApp.setState({ pool: pool(200), conversation: conversation({ kind: 'writing' }) }))
  expect(drawn).not.toHaveBeenCalled()
  act(() => useApp.setState({ pool: { ...pool(200), residents: [] } }))
  expect(drawn).toHaveBeenCalled()
})
