// @vitest-environment jsdom
import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { RoutingDecision } from '../../contract/routing.ts'
import type { Client } from '../connection.ts'
import { defaultSettings } from '../settings/setting-item.ts'
import { useApp } from '../store.ts'
import { ChangeView } from './change-view.tsx'
import { OverruledLine, RoutingLine } from './routing-line.tsx'
import type { Answer } from '../../contract/conversation.ts'

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)

const routing: RoutingDecision = {
  ...{ kind: 'routed', routerId: 'judge', routerName: 'Judge', label: 'code', ms: 240 },
  labels: [
    { name: 'code', probability: 0.93 },
    { name: 'chat', probability: 0.07 },
  ],
  reason: 'code (93 %): "Coder"',
  alternatives: [
    { modelId: 'coder', name: 'Coder', label: 'code', isResident: true, seconds: 2, whyNot: null },
    { modelId: 'guide', name: 'Guide', label: 'chat', isResident: true, seconds: 1, whyNot: 'Less likely' },
  ],
}

const overrule = vi.fn(async () => undefined)
const remember = vi.fn(async () => undefined)
const page: { root: Root | null } = { root: null }

beforeEach(() => {
  overrule.mockClear()
  remember.mockClear()
  useApp.setState(useApp.getInitialState(), true)
  useApp.setState({
    ...{ connection: 'open', settings: defaultSettings },
    client: { turns: { overrule }, routing: { remember } } as unknown as Client,
  })
  const box = document.createElement('div')
  document.body.append(box)
  page.root = createRoot(box)
})
afterEach(() => {
  act(() => page.root?.unmount())
  document.body.replaceChildren()
})

function line({ shown = routing, isLast = true } = {}) {
  return <RoutingLine routing={shown} isLast={isLast} answerId="a" modelId="coder" modelName="Coder" />
}

async function press(name: string): Promise<void> {
  const button = [...document.querySelectorAll('button')].find(
    ({ textContent }) => textContent.trim() === name,
  )
  if (!button) throw new Error(`There is no button "${name}"`)
  await act(async () => button.click())
}

test('what is folded is drawn only when it is unfolded, and nothing again while the answer grows', () => {
  const drawn = vi.fn()
  const watched = {
    ...routing,
    get kind() {
      drawn()
      return routing.kind
    },
  }
  const draw = () => act(() => page.root?.render(line({ shown: watched, isLast: false })))
  draw()
  const details = document.querySelector('details')
  const before = document.body.textContent
  const times = drawn.mock.calls.length
  expect(times).toBeGreaterThan(0)
  draw()
  act(() => {
    useApp.setState({ drafts: { c: 'typing' } })
  })
  expect({ before, more: drawn.mock.calls.length - times }).toEqual({
    before: 'Auto chose Coder: code 93 %',
    more: 0,
  })
  act(() => {
    details?.setAttribute('open', '')
    details?.dispatchEvent(new Event('toggle'))
  })
  expect(document.body.textContent).toContain('Sorted by Judge in 0.2 s')
  expect(document.body.textContent).toContain('Less likely')
})

test('another model is one press away, and learning follows the settings', async () => {
  act(() => page.root?.render(line()))
  await press('Answer with Guide')
  useApp.setState({ settings: { ...defaultSettings, learnsRouting: 'always' } })
  await press('Answer with Guide')
  expect(overrule.mock.calls).toEqual([
    [{ answerId: 'a', modelId: 'guide', isRemembered: false }],
    [{ answerId: 'a', modelId: 'guide', isRemembered: true }],
  ])
})

test('whoever overruled Auto is asked whether it should learn, unless it has or never does', async () => {
  const overruled = (isRemembered: boolean) => {
    const overruledBy = { modelId: 'guide', name: 'Guide', isRemembered }
    return { id: 'a', modelName: 'Coder', routing: { ...routing, overruledBy } } as unknown as Answer
  }
  const texts: (string | null)[] = []
  const show = (isRemembered: boolean) => {
    act(() => page.root?.render(<OverruledLine overruled={overruled(isRemembered)} />))
    texts.push(document.body.textContent)
  }
  show(false)
  await press('Remember this for Auto')
  show(true)
  act(() => useApp.setState({ settings: { ...defaultSettings, learnsRouting: 'never' } }))
  show(false)
  expect({ texts, asked: remember.mock.calls }).toEqual({
    texts: [
      'Your choice instead of Coder, whom Auto choseRemember this for Auto',
      'Your choice instead of Coder, whom Auto chose · remembered as an example for Auto',
      'Your choice instead of Coder, whom Auto chose',
    ],
    asked: [[{ answerId: 'a' }]],
  })
})

test('a change is told apart by marks and by words that are only heard', async () => {
  // Its library comes when it is needed.
  await act(async () => {
    page.root?.render(<ChangeView before="It is 5." after="It is 4." />)
    await import('./word-change.ts')
  })
  expect([document.querySelector('del')?.textContent, document.querySelector('ins')?.textContent]).toEqual([
    ' [removed:] 5 [end of removed] ',
    ' [added:] 4 [end of added] ',
  ])
  expect(document.querySelector('[role="status"]')?.textContent).toBe('1 word removed, 1 added')
})
