import { expect, test } from 'vitest'
import type { ConversationSummary } from '../../contract/conversation.ts'
import { groupByDay } from './conversation-groups.ts'

function at(title: string, date: Date): ConversationSummary {
  return {
    id: title,
    title,
    createdAt: 0,
    updatedAt: date.getTime(),
    turnCount: 1,
    lastModelId: null,
    isPinned: false,
    isArchived: false,
  }
}

function titles(conversations: readonly ConversationSummary[], today: Date) {
  return groupByDay(conversations, today.getTime()).map((group) => [
    group.label,
    ...group.conversations.map(({ title }) => title),
  ])
}

test('groups by calendar day, newest first, and older ones by month', () => {
  const list = [
    at('midnight', new Date(2026, 10, 21, 0, 0)),
    at('last minute', new Date(2026, 10, 20, 23, 59)),
    at('now', new Date(2026, 10, 21, 15, 0)),
    at('seventh day', new Date(2026, 10, 14, 0, 0)),
    at('eighth day', new Date(2026, 10, 13, 23, 59)),
    at('last year', new Date(2025, 10, 21)),
  ]
  expect(titles(list, new Date(2026, 10, 21))).toEqual([
    ['Today', 'now', 'midnight'],
    ['Yesterday', 'last minute'],
    ['Last 7 days', 'seventh day'],
    ['November 2026', 'eighth day'],
    ['November 2025', 'last year'],
  ])
})

test('a time ahead of the clock is today', () => {
  expect(titles([at('ahead', new Date(2026, 10, 22))], new Date(2026, 10, 21))).toEqual([['Today', 'ahead']])
})

test('without conversations there are no groups', () => {
  expect(groupByDay([], Date.now())).toEqual([])
})
