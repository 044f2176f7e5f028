import { expect, test } from 'vitest'
import type { Turn } from '../../contract/conversation.ts'
import { messagesOf } from './messages.ts'
import { canSlide, slideWindow, turnsInWindow, windowOf, type MemoryWindow } from './memory-window.ts'

/** A path of turns "0", "1" …, each of 100 letters with its answer. */
function path(length: number, memory: { at?: number; window?: MemoryWindow } = {}): Turn[] {
  return Array.from({ length }, (_, index) => ({
    id: String(index),
    parentId: index === 0 ? null : String(index - 1),
    parentAnswerId: index === 0 ? null : `answer ${String(index - 1)}`,
    siblingIds: [String(index)],
    isUndecided: false,
    text: 'q'.repeat(26),
    answers: [
      {
        id: `answer ${String(index)}`,
        modelId: 'guide',
        modelName: 'Guide',
        text: index === length - 1 ? '' : 'a'.repeat(26),
        state: { kind: 'done', stopReason: 'end' },
        stats: null,
        ...(memory.window &&
          index === (memory.at ?? length - 2) && {
            memoryStartsAtTurnId: memory.window.startsAtTurnId,
            memoryKeepsFirstTurn: memory.window.keepsFirstTurn,
          }),
        createdAt: 0,
      },
    ],
    chosenAnswerId: `answer ${String(index)}`,
    createdAt: 0,
  }))
}

const ids = (turns: readonly Turn[]) => turns.map(({ id }) => id)

test('slides until half of the context is free, and keeps a small first turn', () => {
  const turns = path(10)
  const slid = slideWindow(turns, null, { neededTokens: 500, contextTokens: 480 })
  expect(slid).toEqual({ startsAtTurnId: '6', keepsFirstTurn: true })
  expect(ids(turnsInWindow(turns, slid))).toEqual(['0', '6', '7', '8', '9'])
})

test('a path of thousands of turns is looked at a few times, not turn by turn', () => {
  const turns = path(4000)
  const looks: number[] = []
  const slid = slideWindow(turns, null, {
    ...{ neededTokens: 400_000, contextTokens: 1000 },
    messages: (part) => {
      looks.push(part.length)
      return messagesOf(part)
    },
  })
  expect(slid).toEqual({ startsAtTurnId: '3996', keepsFirstTurn: true })
  expect(looks.length).toBeLessThan(20)
})

test('a first turn that takes much of the context slides out as well', () => {
  const turns = path(4)
  const slid = slideWindow(turns, null, { neededTokens: 500, contextTokens: 480 })
  expect(slid).toEqual({ startsAtTurnId: '2', keepsFirstTurn: false })
})

test('at last only the last turn is left, and then nothing can slide', () => {
  const turns = path(10)
  const full = { neededTokens: 5000, contextTokens: 100 }
  const last = slideWindow(turns, { startsAtTurnId: '8', keepsFirstTurn: true }, full)
  expect(last).toEqual({ startsAtTurnId: '9', keepsFirstTurn: true })
  const alone = slideWindow(turns, last, full)
  expect(alone).toEqual({ startsAtTurnId: '9', keepsFirstTurn: false })
  expect([canSlide(turns, alone), slideWindow(turns, alone, full)]).toEqual([false, null])
  expect(slideWindow(path(1), null, full)).toBeNull()
})

test('a model goes on with the window of its last answer, another model with its own, and other branches with none', () => {
  const window = { startsAtTurnId: '3', keepsFirstTurn: true }
  expect(windowOf(path(6, { window }), 'guide')).toEqual(window)
  expect(windowOf(path(6, { window }), 'coder')).toBeNull()
  // Its last answer read everything again.
  expect(windowOf(path(6, { window, at: 2 }), 'guide')).toBeNull()
  expect(windowOf(path(6, { window: { ...window, startsAtTurnId: 'elsewhere' } }), 'guide')).toBeNull()
})
