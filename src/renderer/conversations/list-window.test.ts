import { expect, test } from 'vitest'
import type { ConversationSummary } from '../../contract/conversation.ts'
import { drawnRows } from './list-window.ts'

const group = (label: string, length: number) => ({
  label,
  conversations: Array.from({ length }, () => ({}) as ConversationSummary),
})

test('draws the rows that are seen, in every group', () => {
  const groups = [group('Today', 3), group('Yesterday', 100), group('Last 7 days', 4)]
  const sizes = { heading: 20, row: 10 }
  // Today: 0 to 50. Yesterday: 50 to 1070. Last 7 days: 1070 to 1130.
  expect(drawnRows(groups, { top: 0, bottom: 90 }, sizes)).toEqual([
    { from: 0, to: 3 },
    { from: 0, to: 2 },
    { from: 0, to: 0 },
  ])
  expect(drawnRows(groups, { top: 45, bottom: 105 }, sizes)).toEqual([
    { from: 2, to: 3 },
    { from: 0, to: 4 },
    { from: 0, to: 0 },
  ])
  expect(drawnRows(groups, { top: 1000, bottom: 1200 }, sizes)).toEqual([
    { from: 3, to: 3 },
    { from: 93, to: 100 },
    { from: 0, to: 4 },
  ])
})
