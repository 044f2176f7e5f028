import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cornerBeside } from './place-beside.ts'

const window = { width: 1440, height: 900 }
const card = { width: 320, height: 180 }

test('the card stands before the target, above it, or after it, where there is room', () => {
  const pool = { left: 960, right: 1424, top: 120, bottom: 440 }
  expect(cornerBeside(pool, card, window)).toEqual({ left: 628, top: 120 })
  const models = { left: 280, right: 700, top: 820, bottom: 850 }
  expect(cornerBeside(models, card, window)).toEqual({ left: 280, top: 628 })
  const menu = { left: 8, right: 40, top: 8, bottom: 40 }
  expect(cornerBeside(menu, card, window)).toEqual({ left: 52, top: 12 })
})

test('the card is never outside a window that has room for it', () => {
  const length = fc.integer({ min: 0, max: 2000 })
  fc.assert(
    fc.property(length, length, length, length, (left, top, width, height) => {
      const at = { left, top, right: left + width, bottom: top + height }
      const corner = cornerBeside(at, card, window)
      return (
        corner.left >= 0 &&
        corner.top >= 0 &&
        corner.left + card.width <= window.width &&
        corner.top + card.height <= window.height
      )
    }),
  )
})
