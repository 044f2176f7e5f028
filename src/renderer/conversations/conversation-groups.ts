import type { ConversationSummary } from '../../contract/conversation.ts'

/** Conversations of one span of time, newest first. */
export type ConversationGroup = {
  readonly label: string
  readonly conversations: readonly ConversationSummary[]
}

/**
 * Sorts conversations into the pinned ones, and by their last change into Today, Yesterday, Last 7 days, and months after that.
 * `today` is the start of the current day in local time.
 */
export function groupByDay(
  conversations: readonly ConversationSummary[],
  today: number,
): readonly ConversationGroup[] {
  const newestFirst = conversations.toSorted((a, b) => b.updatedAt - a.updatedAt)
  const groups = Map.groupBy(newestFirst, ({ isPinned, updatedAt }) =>
    isPinned ? 'Pinned' : labelOf(updatedAt, today),
  )
  const pinned = groups.get('Pinned')
  groups.delete('Pinned')
  return [...(pinned ? [['Pinned', pinned] as const] : []), ...groups].map(([label, own]) => ({
    label,
    conversations: own,
  }))
}

const months = new Intl.DateTimeFormat('en', { month: 'long', year: 'numeric' })

function labelOf(time: number, today: number): string {
  if (time >= today) return 'Today'
  if (time >= daysBefore(today, 1)) return 'Yesterday'
  if (time >= daysBefore(today, 7)) return 'Last 7 days'
  return months.format(time)
}

// By the calendar: a day is 23 or 25 hours long when the clocks change.
function daysBefore(today: number, days: number): number {
  const date = new Date(today)
  return date.setDate(date.getDate() - days)
}
