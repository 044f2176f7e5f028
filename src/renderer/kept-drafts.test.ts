// @vitest-environment jsdom
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { followDrafts } from './kept-drafts.ts'
import { setDraft } from './send-turn.ts'
import { useApp } from './store.ts'

vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })

/** The page comes anew. */
function load(): void {
  const page = new AbortController()
  useApp.setState(useApp.getInitialState(), true)
  followDrafts(page.signal)
  onTestFinished(() => page.abort())
}

function kept(): unknown {
  return JSON.parse(localStorage.getItem('plenum.drafts') ?? '{}')
}

beforeEach(() => localStorage.clear())

test('what was typed is there again when the page comes back, and what was sent is not', () => {
  load()
  setDraft('c', 'half a thou')
  setDraft('c', 'half a thought')
  setDraft(null, 'for a new one')
  expect(kept()).toEqual({})
  vi.advanceTimersByTime(300)
  load()
  expect(useApp.getState().drafts).toEqual({ c: 'half a thought', '': 'for a new one' })
  setDraft('c', '')
  // The window closes at once.
  window.dispatchEvent(new Event('pagehide'))
  expect(kept()).toEqual({ '': 'for a new one' })
})

test('each page keeps what was typed in it, and leaves what another one has kept', () => {
  load()
  setDraft('c', 'here')
  vi.advanceTimersByTime(300)
  localStorage.setItem('plenum.drafts', JSON.stringify({ c: 'here', d: 'there' }))
  setDraft('c', 'here again')
  vi.advanceTimersByTime(300)
  expect(kept()).toEqual({ c: 'here again', d: 'there' })
})

test('a whole book is not kept, nor is anything read from what is no draft', () => {
  localStorage.setItem('plenum.drafts', '{"c": 3, "d": "text"')
  load()
  expect(useApp.getState().drafts).toEqual({})
  localStorage.setItem('plenum.drafts', '{"c": 3, "d": "text"}')
  load()
  expect(useApp.getState().drafts).toEqual({ d: 'text' })
  setDraft('c', 'x'.repeat(200_001))
  vi.advanceTimersByTime(300)
  expect(kept()).toEqual({ d: 'text' })
})
