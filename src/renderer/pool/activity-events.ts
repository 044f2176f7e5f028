import { formatBytes } from '../../contract/bytes.ts'
import type { PoolEvent } from '../../contract/memory.ts'
import { refusalText } from '../library/preview-text.ts'
import { formatDuration } from '../ui/format.ts'
import type { IconName } from '../ui/icon.tsx'

type EventKind = PoolEvent['kind']

/** How each kind of event is drawn and called. */
export const eventLooks: Readonly<Record<EventKind, { readonly icon: IconName; readonly word: string }>> = {
  loaded: { icon: 'load', word: 'Loaded' },
  unloaded: { icon: 'eject', word: 'Unloaded' },
  evicted: { icon: 'eject', word: 'Made room' },
  failed: { icon: 'warning', word: 'Failed' },
  crashed: { icon: 'warning', word: 'Crashed' },
  refused: { icon: 'close', word: 'Refused' },
  grown: { icon: 'grow', word: 'Grown' },
  restored: { icon: 'restore', word: 'Came back' },
  parkingFailed: { icon: 'warning', word: 'Parking failed' },
  shrunk: { icon: 'shrink', word: 'Shrunk' },
  parked: { icon: 'disk', word: 'Parked' },
  dropped: { icon: 'close', word: 'Dropped' },
  thrash: { icon: 'swap', word: 'Taking turns' },
}

/** Whether an event tells of something that went wrong. */
export function isTrouble(kind: EventKind): boolean {
  return groups.trouble.has(kind)
}

const groups = {
  models: new Set<EventKind>(['loaded', 'unloaded', 'evicted']),
  room: new Set<EventKind>(['evicted', 'shrunk', 'parked', 'dropped']),
  conversations: new Set<EventKind>(['grown', 'restored', 'parked', 'parkingFailed', 'shrunk', 'dropped']),
  trouble: new Set<EventKind>(['failed', 'crashed', 'refused', 'parkingFailed', 'thrash']),
} as const

/** Which events are shown. */
export type EventGroup = 'all' | keyof typeof groups

export const eventGroups = [
  { value: 'all', name: 'All' },
  { value: 'models', name: 'In and out' },
  { value: 'room', name: 'Room made' },
  { value: 'conversations', name: 'Conversations' },
  { value: 'trouble', name: 'Trouble' },
] as const satisfies readonly { value: EventGroup; name: string }[]

/** The events of a group, in their order. */
export function eventsOf(events: readonly PoolEvent[], group: EventGroup): readonly PoolEvent[] {
  return group === 'all' ? events : events.filter(({ kind }) => groups[group].has(kind))
}

/** What happened, to go on from the model's name: " left to make room", ": an idle conversation was put on disk". */
export function happening({ kind, text }: Pick<PoolEvent, 'kind' | 'text'>): string {
  switch (kind) {
    case 'loaded':
    case 'unloaded':
    case 'evicted':
      return ` ${asPredicate(text)}`
    case 'refused':
      return ` was refused: ${asPredicate(refusalText({ message: text }))}`
    case 'failed':
    case 'crashed':
    case 'thrash':
      return `: ${text}`
    case 'grown':
    case 'restored':
    case 'parkingFailed':
    case 'shrunk':
    case 'parked':
    case 'dropped':
      return `: ${asPredicate(text)}`
    default:
      return kind satisfies never
  }
}

/** What it freed and how long it took; empty where that says nothing. */
export function figuresText({ freedBytes, tookMs }: Pick<PoolEvent, 'freedBytes' | 'tookMs'>): string {
  return [
    ...(freedBytes === null ? [] : [`${formatBytes(freedBytes)} freed`]),
    ...(tookMs === null ? [] : [formatDuration(tookMs)]),
  ].join(', ')
}

/** "Loaded on request" goes on from the model's name: "Guide loaded on request". */
function asPredicate(text: string): string {
  return /^(\p{Lu}\p{Ll}|A )/u.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}
