// @vitest-environment jsdom
import { act, type ReactNode } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import type { LoadedWith, Measurement } from '../../contract/memory.ts'
import type { Client } from '../connection.ts'
import { useApp } from '../store.ts'
import { ActivityDialog } from './activity-dialog.tsx'
import { Activity } from './activity.tsx'
import { FootprintTable } from './footprint-table.tsx'
import { KvSection } from './kv-section.tsx'
import { LoadHistory } from './load-history.tsx'
import { PoolNotices } from './pool-notices.tsx'
import { PoolTable } from './pool-table.tsx'
import { contextOf, eventOf, footprintOf, poolOf, residentOf } from './testing-pool.ts'

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
// jsdom has dialogs, but cannot open them.
HTMLDialogElement.prototype.showModal = function open() {
  this.open = true
}
HTMLDialogElement.prototype.close = function close() {
  this.open = false
}

const consolidate = vi.fn(async () => Promise.resolve({ freedBytes: 2 * GB, kvCaches: 2 }))
const pin = vi.fn(async () => Promise.resolve())
const history = vi.fn(async (): Promise<Measurement[]> => Promise.resolve([]))
const page: { root: Root | null } = { root: null }

beforeEach(() => {
  vi.clearAllMocks()
  useApp.setState({ client: { pool: { consolidate }, models: { history, pin } } as unknown as Client })
  const box = document.createElement('div')
  document.body.append(box)
  page.root = createRoot(box)
})
afterEach(() => {
  act(() => page.root?.unmount())
  document.body.replaceChildren()
})

async function show(node: ReactNode): Promise<void> {
  await act(async () => Promise.resolve(page.root?.render(node)))
}

async function press(name: string): Promise<void> {
  const found = [...document.querySelectorAll<HTMLElement>('button, label')].find(
    ({ textContent }) => textContent.trim() === name,
  )
  if (!found) throw new Error(`There is no "${name}"`)
  await act(async () => {
    found.click()
    return Promise.resolve()
  })
}

function texts(selector: string): string[] {
  return [...document.querySelectorAll(selector)].map(({ textContent }) => textContent.trim())
}

/** The cells of each row of the first table, without its head. */
function rows(): string[][] {
  return [...document.querySelectorAll('table :is(tbody, tfoot) tr')].map((row) =>
    [...row.children].map(({ textContent }) => textContent.trim()),
  )
}

test('an empty activity says what will be in it', async () => {
  await show(<Activity events={[]} />)
  expect(document.body.textContent).toContain('Whatever moves memory is told here')
  expect(texts('button')).toEqual([])
})

test('the activity shows the latest few, and all of them with their figures in columns and by kind', async () => {
  const events = Array.from({ length: 100 }, (_, index) =>
    index % 10 === 0
      ? eventOf('evicted', { id: index, text: 'Left to make room for "b"', freedBytes: 2 * GB, tookMs: 640 })
      : eventOf('loaded', { id: index, text: 'Loaded on request: 2.00 GB, 2.00 GB predicted', tookMs: 1200 }),
  )
  await show(<Activity events={events} />)
  expect(texts('li').length).toBe(6)
  expect(texts('li')[0]).toMatch(/a left to make room for "b", 2\.00 GB freed, 0\.6 s$/)
  await press('Show all')
  expect(useApp.getState().dialog).toBe('activity')
  await show(<ActivityDialog events={events} onClose={() => undefined} />)
  expect(rows().length).toBe(100)
  await press('Room made')
  expect([rows().length, texts('[role=status]')]).toEqual([10, ['10 events · 20.0 GB freed']])
  expect(rows()[0]?.slice(1)).toEqual(['Made room', 'a', 'Left to make room for "b"', '2.00 GB', '0.6 s'])
  await press('Trouble')
  expect(document.body.textContent).toContain('Nothing of this kind has happened')
})

const kv = { reservedBytes: 3 * GB, unusedBytes: 2 * GB, strandedBytes: GB, reclaimableBytes: 2 * GB }
const talking = residentOf('Guide', 4, {
  contexts: [
    contextOf({ kvBytes: 2 * GB, isBusy: true }),
    contextOf({ id: 'context 2', conversationId: 'd', kvBytes: GB, isParked: true }),
  ],
  ...{ contextTokens: 8192, usedTokens: 2048, contextLimitTokens: 32_768, kvBudgetBytes: 8 * GB },
})
const kvProps = {
  pool: poolOf([talking], { kv }).pool,
  models: [],
  conversations: [
    { id: 'c', title: 'Names' },
    { id: 'd', title: 'Memory' },
  ],
}

test('KV bars tell used, idle and on disk apart, and how far a context can grow', async () => {
  await show(<KvSection {...kvProps} isTable={false} />)
  expect(texts('ul ul li')).toEqual(['Names 1k, In use', 'Memory 1k, Idle, on disk'])
  const contexts = [...document.querySelectorAll<HTMLElement>('[title^="Names"], [title^="Memory"]')]
  expect(contexts.map(({ dataset }) => dataset['idle'])).toEqual([undefined, 'true'])
  expect(document.body.textContent).toContain('1.00 GB used3.00 GB reserved1.00 GB idle')
  expect(document.body.textContent).toContain('can grow to 32.8k')
})

test('what a model is asked on the side is no conversation of anybody', async () => {
  const aside = contextOf({ conversationId: null, isAside: true, usedTokens: 300, contextTokens: 1024 })
  const pool = poolOf([residentOf('Judge', 4, { contexts: [aside] })], { kv }).pool
  await show(<KvSection {...kvProps} pool={pool} isTable />)
  expect(document.body.textContent).toContain('Routing and checks')
  expect(document.body.textContent).toContain('300 of 1,024')
})

test('the table of KV caches has the numbers of the bars', async () => {
  await show(<KvSection {...kvProps} isTable />)
  expect(rows()).toEqual([
    ['Guide', '3.00 GB', '768 MB', '2,048 of 8,192', '', '8.00 GB', ''],
    ['Names', '2.00 GB', '512 MB', '1,024 of 4,096', '32,768', '', 'In use'],
    ['Memory', '1.00 GB', '256 MB', '1,024 of 4,096', '32,768', '', 'Idle, on disk'],
  ])
})

test('consolidating is asked for once and tells what it freed; without anything to free it does nothing', async () => {
  await show(<KvSection {...kvProps} isTable={false} />)
  await press('Consolidate')
  expect([consolidate.mock.calls.length, texts('[role=status]')]).toEqual([
    1,
    [
      'Freed 2.00 GB from 2 KV caches. Frees at least 2.00 GB: idle conversations go to disk, contexts shrink',
    ],
  ])
  const pool = poolOf([talking], { kv: { ...kv, reclaimableBytes: 0 } }).pool
  await show(<KvSection {...kvProps} pool={pool} isTable={false} />)
  await press('Consolidate')
  expect(consolidate.mock.calls.length).toBe(1)
})

test('memory of a split pool stands side by side for each part and domain', async () => {
  const inBoth = (source: 'predicted' | 'measured') => [
    ...footprintOf({ weights: 19, compute: source === 'measured' ? 1.25 : 1 }, { domain: 'vram', source }),
    ...footprintOf({ weights: 21, runtime: 0.5 }, { domain: 'ram', source }),
  ]
  const [predicted, measured] = [inBoth('predicted'), inBoth('measured')]
  await show(
    <FootprintTable
      resident={residentOf('half', 0, { predicted, measured, footprint: measured, predictionError: -0.006 })}
    />,
  )
  expect(rows()).toEqual([
    ['Weights', 'VRAM', '19.0 GB', '19.0 GB', '0.0 %', '19.0 GB'],
    ['Weights', 'RAM', '21.0 GB', '21.0 GB', '0.0 %', '21.0 GB'],
    ['Compute buffers', 'VRAM', '1.00 GB', '1.25 GB', '−20 %', '1.25 GB'],
    ['Runtime', 'RAM', '512 MB', '512 MB', '0.0 %', '512 MB'],
    ['Together', 'VRAM', '20.0 GB', '20.3 GB', '−1.2 %', '20.3 GB'],
    ['Together', 'RAM', '21.5 GB', '21.5 GB', '0.0 %', '21.5 GB'],
    ['Total', '', '41.5 GB', '41.8 GB', '−0.6 %', '41.8 GB'],
  ])
})

test('a model that loads has a prediction and nothing measured', async () => {
  const predicted = footprintOf({ weights: 2 }, { source: 'learned' })
  await show(
    <FootprintTable resident={residentOf('a', 0, { state: 'loading', predicted, footprint: predicted })} />,
  )
  expect(rows()).toEqual([
    ['Weights', '2.00 GB', '–', '–', '2.00 GB'],
    ['Total', '2.00 GB', '–', '–', '2.00 GB'],
  ])
  expect(document.body.textContent).toContain('The prediction was learned')
  expect(document.body.textContent).toContain('It is measured when it is loaded')
})

test('the history of a model is asked for again when it was measured again', async () => {
  const loadedWith: LoadedWith = {
    ...{ contextTokens: 4096, gpuLayers: null, kvType: 'q8_0', flashAttention: true, batchTokens: 512 },
    ...{ threads: 1, fileAccess: 'mmap', fullWindowCache: false },
  }
  const load: Measurement = {
    ...{ at: 0, backend: 'CPU', loadedWith },
    predicted: [...footprintOf({ weights: 2 }, { source: 'predicted' })],
    corrected: [...footprintOf({ weights: 2.25 }, { source: 'learned' })],
    measured: [...footprintOf({ weights: 2.5 }, { source: 'measured' })],
  }
  await show(<LoadHistory modelId="a" measured={[]} />)
  expect(document.body.textContent).toContain('It was not loaded yet')
  history.mockResolvedValue([load])
  await show(<LoadHistory modelId="a" measured={load.measured} />)
  expect(rows().map((row) => row.slice(1))).toEqual([['4,096', 'q8_0', '2.25 GB', '2.50 GB', '−10 %']])
  expect(history.mock.calls.length).toBe(2)
})

test('models that take turns can be kept, each by itself, and the notice can be hidden', async () => {
  const models = ['a', 'b'].map((name) => ({ modelId: name, name, bytes: 12 * GB }))
  const thrash = { models, reloadBytes: 10 * GB, reloadMs: null, text: '' }
  const { pool } = poolOf([], { thrash, isUnderPressure: true })
  await show(<PoolNotices pool={pool} pinnedIds={new Set(['b'])} />)
  expect(texts('article button')).toEqual(['Keep a', 'Library', 'Settings', 'Hide'])
  await press('Keep a')
  expect(pin.mock.calls).toEqual([[{ id: 'a' }]])
  await press('Hide')
  expect(texts('article')).toEqual([])
  expect(document.body.textContent).toContain('Under pressure')
})

test('the table has a row for what would be loaded, and says who would have to leave for it', async () => {
  const { pool, domain } = poolOf([residentOf('guide', 4), residentOf('coder', 2)])
  const ghost = {
    ...{ modelId: 'judge', name: 'Judge', bytes: 3 * GB, verdict: 'evicts' as const },
    footprint: footprintOf({ weights: 3 }, { source: 'predicted' }),
    notes: ['4k context', 'Guide leaves'] as const,
  }
  await show(
    <PoolTable
      pool={pool}
      domain={domain}
      models={[]}
      ghost={ghost}
      leaving={new Set(['guide'])}
      onOpen={() => undefined}
    />,
  )
  const rows = texts('tbody:first-of-type tr')
  expect(rows[0]).toMatch(/would have to leave$/)
  expect(rows[1]).not.toContain('leave')
  expect(rows[2]).toMatch(/^Judge≈ 3.00 GB.*4k contextNot loaded: Guide leaves$/)
  expect(texts('tbody:first-of-type tr:last-child button')).toEqual([])
})
