import { expect, test } from 'vitest'
import type { Attachment, TurnCost } from '../../contract/attachment.ts'
import { excessOf, shareText } from './attachment-cost.ts'

const attachments: Attachment[] = ['a.txt', 'b.txt'].map((name) => ({
  id: name,
  name,
  kind: 'text',
  characters: 9,
}))

function costOf(attachmentTokens: number[], contextTokens = 1024): TurnCost {
  const promptTokens = attachmentTokens.reduce((sum, each) => sum + each, 40)
  return {
    ...{ promptTokens, aloneTokens: promptTokens, reusedTokens: 0, lostTokens: 0, isExact: true },
    ...{ attachmentTokens, contextTokens, readingSeconds: null, loadingSeconds: null },
  }
}

test('what fits, with room for an answer, has no excess', () => {
  expect(excessOf(costOf([400, 400]), attachments)).toBeNull()
  expect(excessOf(costOf([400, 460]), attachments)).not.toBeNull()
  expect(excessOf(costOf([]), [])).toBeNull()
})

test('the largest attachment is cut to what the others leave', () => {
  expect(excessOf(costOf([200, 9000]), attachments)).toEqual({ index: 1, tokens: 9000, fitsTokens: 632 })
})

test('where the others leave nothing there is nothing to cut to', () => {
  expect(excessOf(costOf([5000, 9000]), attachments)).toEqual({ index: 1, tokens: 9000, fitsTokens: null })
})

test('tells tokens and share of the context', () => {
  const cost = costOf([410])
  expect([shareText(410, cost), shareText(3, { ...cost, isExact: false })]).toEqual([
    '410 tokens, 40 % of the context',
    'about 3 tokens, under 1 % of the context',
  ])
})
