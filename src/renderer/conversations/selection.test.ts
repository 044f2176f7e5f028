import { expect, test } from 'vitest'
import { extendTo, keepListed, noSelection, toggleRow } from './selection.ts'

const order = ['a', 'b', 'c', 'd', 'e']

test('rows are chosen one by one, beside the open one', () => {
  const first = toggleRow(noSelection, 'c', 'a')
  expect([...first.ids]).toEqual(['a', 'c'])
  const second = toggleRow(first, 'e', 'a')
  expect([...second.ids]).toEqual(['a', 'c', 'e'])
  expect([...toggleRow(second, 'a', 'a').ids]).toEqual(['c', 'e'])
  expect([...toggleRow(noSelection, 'a', 'a').ids]).toEqual(['a'])
})

test('a range goes both ways from where it began', () => {
  const begun = toggleRow(noSelection, 'c', null)
  const down = extendTo(begun, 'e', { order, openId: null })
  expect([...down.ids]).toEqual(['c', 'd', 'e'])
  const up = extendTo(down, 'a', { order, openId: null })
  expect([...up.ids]).toEqual(['a', 'b', 'c'])
  expect([...extendTo(noSelection, 'd', { order, openId: 'b' }).ids]).toEqual(['b', 'c', 'd'])
  expect([...extendTo(noSelection, 'd', { order, openId: 'archived' }).ids]).toEqual(['d'])
})

test('what leaves the list leaves the selection', () => {
  const chosen = extendTo(noSelection, 'c', { order, openId: 'a' })
  expect([...keepListed(chosen, ['a', 'c']).ids]).toEqual(['a', 'c'])
  expect(keepListed(chosen, order)).toBe(chosen)
})
