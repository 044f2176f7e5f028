// @vitest-environment jsdom
import { act } from 'react'
import { createRoot, type Root } from 'react-dom/client'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { LoadPreview } from '../../contract/memory.ts'
import type { LibraryModel, LoadOptions, ModelFacts } from '../../contract/model.ts'
import type { Client } from '../connection.ts'
import type { Proposal } from '../proposal.ts'
import { useApp } from '../store.ts'
import { PreviewCard } from './preview-card.tsx'
import { usePreview } from './use-preview.ts'

vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)

const facts = { trainContextTokens: 8192 } as Partial<ModelFacts> as ModelFacts
const model = {
  ...{ id: 'long', name: 'Long', colour: 0, loadOptions: {} },
  file: { kind: 'usable', facts },
} as Partial<LibraryModel> as LibraryModel

/** There is room for 2,048 tokens, or twice as many with a q8_0 KV cache. */
function previewWith({ contextTokens = 4096, kvType = 'f16' }: LoadOptions): LoadPreview {
  const needed = contextTokens * (kvType === 'f16' ? 1 : 0.5)
  return {
    ...{
      modelId: 'long',
      startContextTokens: contextTokens,
      contextTokens,
      grownBytes: needed,
      warnings: [],
    },
    footprint: [{ part: 'kvCache', domain: 'unified', bytes: needed, source: 'predicted' }],
    loadedWith: {
      ...{ contextTokens, gpuLayers: null, kvType, flashAttention: true, batchTokens: 512 },
      ...{ threads: 1, fileAccess: 'mmap', fullWindowCache: false },
    },
    verdict:
      needed <= 2048
        ? { kind: 'fits' }
        : {
            kind: 'refused',
            problem: {
              code: 'NO_ROOM',
              message: 'Cannot load "Long": needs 4 KB, 2 KB is free',
              details: {},
            },
            remedies: [
              { kind: 'shorten', name: 'Long', freesBytes: 2048, contextTokens: 2048 },
              { kind: 'kvType', name: 'Long', freesBytes: 2048 },
            ],
          },
  }
}

type Question = LoadOptions & { readonly id: string }

const asked: { question: Question; answer: (preview: LoadPreview) => void }[] = []
const load = vi.fn(async () => Promise.resolve())
const update = vi.fn(async ({ loadOptions }: { loadOptions: LoadOptions }) =>
  Promise.resolve({ ...model, loadOptions }),
)
const page: { root: Root | null } = { root: null }

beforeEach(() => {
  asked.length = 0
  for (const mock of [load, update]) mock.mockClear()
  const preview = async (question: Question) =>
    new Promise<LoadPreview>((resolve) => asked.push({ question, answer: resolve }))
  useApp.setState(useApp.getInitialState(), true)
  useApp.setState({
    client: { models: { load, update, preview } } as unknown as Client,
    models: [model],
    proposal: { modelId: 'long', options: {}, from: 'drop' },
  })
  const box = document.createElement('div')
  document.body.append(box)
  page.root = createRoot(box)
  act(() => page.root?.render(<Proposed />))
})
afterEach(() => {
  act(() => page.root?.unmount())
  document.body.replaceChildren()
})

function Proposed() {
  const proposal = useApp((state) => state.proposal)
  return proposal && <Card proposal={proposal} />
}

function Card({ proposal }: { readonly proposal: Proposal }) {
  const answer = usePreview(proposal.modelId, { options: proposal.options })
  return <PreviewCard proposal={proposal} model={model} answer={answer} note="Added" startTokens={1024} />
}

/** The host answers what was asked last. */
async function answerLast(): Promise<void> {
  const last = asked.at(-1)
  await act(async () => last?.answer(previewWith(last.question)))
}

function slideTo(step: number): void {
  const input = document.querySelector<HTMLInputElement>('input[type=range]')
  if (!input) throw new Error('There is no slider')
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(input, String(step))
  act(() => {
    input.dispatchEvent(new Event('input', { bubbles: true }))
  })
}

async function press(key: string): Promise<void> {
  const target = document.activeElement ?? document.body
  await act(async () => target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })))
}

const text = () => document.body.textContent
const button = (name: string) =>
  [...document.querySelectorAll('button')].find(({ textContent }) => textContent.startsWith(name))

test('a slider is followed one question at a time, and only the newest of those that came up is asked next', async () => {
  await answerLast()
  for (const step of [6, 5, 4, 3]) slideTo(step)
  expect(asked.map(({ question }) => question.contextTokens)).toEqual([undefined, 3072])
  await answerLast()
  expect(asked.map(({ question }) => question.contextTokens)).toEqual([undefined, 3072, 1024])
  await answerLast()
  expect(text()).toContain('context of 1,024 tokens')
  expect(asked).toHaveLength(3)
})

test('a refusal cannot be loaded; one press of advice makes it fit, and Enter loads with it', async () => {
  await answerLast()
  act(() => button('Load')?.focus())
  await act(async () => button('Load')?.click())
  expect([load.mock.calls, text().includes('Needs 4 KB')]).toEqual([[], true])
  await act(async () => button('q8_0 KV cache')?.click())
  await answerLast()
  expect([text().includes('Nobody has to leave'), load.mock.calls]).toEqual([true, []])
  expect(document.activeElement).toBe(button('Load'))
  document.querySelector<HTMLElement>('input[type=range]')?.focus()
  await press('Enter')
  expect([update.mock.calls, load.mock.calls]).toEqual([
    [[{ id: 'long', loadOptions: { kvType: 'q8_0' } }]],
    [[{ id: 'long' }]],
  ])
})

test('Escape leaves everything as it is', async () => {
  await answerLast()
  button('Load')?.focus()
  await press('Escape')
  expect([useApp.getState().proposal, load.mock.calls, update.mock.calls]).toEqual([null, [], []])
})

test('a longer context is reserved from the start, unless that is taken back', async () => {
  await answerLast()
  const check = () => document.querySelector<HTMLInputElement>('input[type=checkbox]')
  expect(check()?.checked).toBe(true)
  await act(async () => check()?.click())
  expect(useApp.getState().proposal?.options).toEqual({ contextTokens: 4096, startContextTokens: 1024 })
  expect(check()?.checked).toBe(false)
  expect(document.body.textContent).toContain('up to 4,096 tokens')
  await act(async () => check()?.click())
  expect(useApp.getState().proposal?.options).toEqual({ contextTokens: 4096, startContextTokens: 4096 })
})
