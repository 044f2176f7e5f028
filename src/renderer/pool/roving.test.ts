import { describe, expect, it } from 'vitest'
import { nextBox, type Box, type RovingKey } from './roving.ts'

const box = (left: number, top: number, width: number, height: number): Box => ({ left, top, width, height })

// +---------+----+
// |    0    | 1  |
// |         +----+
// |         | 2  |
// +---------+----+
// [3] [4]          chips below
const boxes = [
  box(0, 0, 60, 100),
  box(63, 0, 40, 50),
  box(63, 53, 40, 47),
  box(0, 110, 30, 20),
  box(70, 110, 30, 20),
]
const walk = (from: number, keys: readonly RovingKey[]) =>
  keys.reduce((index, key) => nextBox(boxes, { from: index, key }), from)

describe('nextBox', () => {
  it('goes to the nearest box above and below', () => {
    expect([
      walk(1, ['ArrowDown']),
      walk(2, ['ArrowDown']),
      walk(0, ['ArrowDown']),
      walk(4, ['ArrowUp']),
      walk(3, ['ArrowUp']),
    ]).toEqual([2, 4, 3, 2, 0])
  })

  it('reaches every box with the right arrow and stays at the ends', () => {
    const there = [0, 1, 2, 3, 4].map((steps) =>
      walk(
        0,
        Array.from({ length: steps }, () => 'ArrowRight'),
      ),
    )
    expect([there, walk(4, ['ArrowRight']), walk(0, ['ArrowLeft']), walk(0, ['ArrowUp'])]).toEqual([
      [0, 1, 2, 3, 4],
      4,
      0,
      0,
    ])
  })

  it('knows the first and the last', () => expect([walk(2, ['Home']), walk(2, ['End'])]).toEqual([0, 4]))
})
