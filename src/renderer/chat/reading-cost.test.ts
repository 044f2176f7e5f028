import { expect, test } from 'vitest'
import type { AnswerStats, Turn } from '../../contract/conversation.ts'
import { readingText } from './reading-cost.ts'

function turn(id: string, stats: Pick<AnswerStats, 'promptTokens' | 'generatedTokens'> | null): Turn {
  const answer = {
    id: 'a',
    modelId: 'guide',
    modelName: 'Guide',
    text: '',
    state: { kind: 'done', stopReason: 'end' },
    stats: stats && { reusedTokens: 0, timeToFirstTokenMs: 1, tokensPerSecond: null, ...stats },
    createdAt: 0,
  } as const
  return {
    ...{ id, parentId: null, parentAnswerId: null, siblingIds: [id], text: 'Hello', answers: [answer] },
    ...{ chosenAnswerId: 'a', isUndecided: false, createdAt: 0 },
  }
}

function holding(usedTokens: number, conversationId = 'c') {
  return { contexts: [{ conversationId, usedTokens }] }
}

test('says what a resident has still to read, and what it does not read again', () => {
  const turns = [turn('1', { promptTokens: 400, generatedTokens: 100 }), turn('2', null)]
  const conversation = { id: 'c', turns }
  expect([
    readingText(null, holding(0)),
    readingText({ id: 'c', turns: [] }, holding(0)),
    readingText({ id: 'c', turns: [turn('1', null)] }, holding(10)),
    readingText(conversation, holding(0)),
    readingText(conversation, holding(400, 'another')),
    readingText(conversation, holding(400)),
    readingText(conversation, holding(500)),
    // Another model's tokens are longer: this one holds more of them than the last answer counted.
    readingText(conversation, holding(1600)),
    readingText({ id: 'c', turns: [turn('1', { promptTokens: 5, generatedTokens: 3 })] }, holding(0)),
  ]).toEqual([
    'answers at once',
    'answers at once',
    'answers at once',
    'about 500 tokens to read',
    'about 500 tokens to read',
    'about 100 tokens to read, 400 reused',
    'answers at once, 500 tokens reused',
    'answers at once, 1,600 tokens reused',
    'answers at once',
  ])
})
