import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import type { PoolEvent } from '../../contract/memory.ts'
import { eventGroups, eventLooks, eventsOf, figuresText, happening } from './activity-events.ts'
import { eventOf } from './testing-pool.ts'

const kinds = Object.keys(eventLooks) as readonly PoolEvent['kind'][]

test('every kind of event is in a group, and all of them in "All"', () => {
  const events = kinds.map((kind, id) => eventOf(kind, { id }))
  expect(eventsOf(events, 'all')).toBe(events)
  const grouped = eventGroups
    .filter(({ value }) => value !== 'all')
    .flatMap(({ value }) => eventsOf(events, value))
  expect(new Set(grouped)).toEqual(new Set(events))
  expect(eventsOf(events, 'room').map(({ kind }) => kind)).toEqual(['evicted', 'shrunk', 'parked', 'dropped'])
})

test('goes on from the name of the model', () => {
  const told = [
    eventOf('evicted', { text: 'Left to make room for "Coder"' }),
    eventOf('parked', { text: 'An idle conversation was put on disk on request' }),
    eventOf('restored', { text: 'A conversation of 800 tokens came back, 4.00 MB' }),
    eventOf('crashed', { text: '"Guide" ended with SIGKILL' }),
    eventOf('refused', { text: 'Cannot load "Guide": needs 2.00 GB, 1.00 GB is free' }),
  ].map((event) => `Guide${happening(event)}`)
  expect(told).toEqual([
    'Guide left to make room for "Coder"',
    'Guide: an idle conversation was put on disk on request',
    'Guide: a conversation of 800 tokens came back, 4.00 MB',
    'Guide: "Guide" ended with SIGKILL',
    'Guide was refused: needs 2.00 GB, 1.00 GB is free',
  ])
})

test('tells what came free and how long it took, as far as that says something', () => {
  expect(
    [
      { freedBytes: 1.5 * GB, tookMs: 640 },
      { freedBytes: null, tookMs: 12 },
      { freedBytes: null, tookMs: null },
    ].map(figuresText),
  ).toEqual(['1.50 GB freed, 0.6 s', '12 ms', ''])
})
