import { expect, test } from 'vitest'
import { followsEnd, type ScrollPlace } from './scroll-end.ts'

const end: ScrollPlace = { scrollTop: 600, scrollHeight: 1000, clientHeight: 400 }

test('lets go as soon as the reader moves up, also while the answer grows', () => {
  expect([
    followsEnd(true, end, { ...end, scrollTop: 590 }),
    followsEnd(true, end, { scrollTop: 590, scrollHeight: 1040, clientHeight: 400 }),
  ]).toEqual([false, false])
})

test('goes on following when content grows, shrinks, or the box changes', () => {
  expect([
    followsEnd(true, end, { scrollTop: 600, scrollHeight: 1200, clientHeight: 400 }),
    followsEnd(true, end, { scrollTop: 500, scrollHeight: 900, clientHeight: 400 }),
    followsEnd(true, end, { scrollTop: 560, scrollHeight: 1000, clientHeight: 440 }),
  ]).toEqual([true, true, true])
})

test('does not pull down a reader further up, and takes hold again at the end', () => {
  const up = { ...end, scrollTop: 200 }
  expect([
    followsEnd(false, up, { ...end, scrollTop: 300 }),
    followsEnd(false, up, { ...end, scrollTop: 580 }),
    followsEnd(false, up, { ...up, scrollHeight: 2000 }),
  ]).toEqual([false, true, false])
})
