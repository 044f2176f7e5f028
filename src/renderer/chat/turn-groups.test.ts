import { expect, test } from 'vitest'
import type { Turn } from '../../contract/conversation.ts'
import { groupAgain } from './turn-groups.ts'

function turns(from: number, to: number): Turn[] {
  return Array.from({ length: to - from }, (_, index) => ({
    ...{ id: `t${String(from + index)}`, parentId: null, parentAnswerId: null, siblingIds: [], text: '' },
    ...{ answers: [], chosenAnswerId: '', isUndecided: false, createdAt: 0 },
  }))
}

const sizes = (groups: readonly (readonly Turn[])[]) => groups.map(({ length }) => length)

test('turns that come before leave the groups of those that are there as they are', () => {
  const last = turns(400, 440)
  const opened = groupAgain(last, [])
  const more = [...turns(350, 400), ...last]
  const grown = groupAgain(more, opened)
  expect(sizes(grown)).toEqual([10, 40, 40])
  expect(grown.at(-1)).toBe(opened[0])
  const whole = groupAgain([...turns(323, 350), ...more], grown)
  expect(sizes(whole)).toEqual([27, 10, 40, 40])
  expect(whole.slice(1)).toEqual(grown)
  expect(whole.slice(1).every((group, index) => group === grown[index])).toBe(true)
})

test('a turn that changes, or comes last, changes the group that it is in alone', () => {
  const all = turns(0, 90)
  const groups = groupAgain(all, [])
  expect(sizes(groups)).toEqual([40, 40, 10])
  const changed = groupAgain(all.with(50, { ...all[50]!, text: 'new' }), groups)
  expect(changed.map((group, index) => group === groups[index])).toEqual([true, false, true])
  const longer = groupAgain([...all, ...turns(90, 125)], groups)
  expect(sizes(longer)).toEqual([40, 40, 40, 5])
  expect(longer.map((group, index) => group === groups[index])).toEqual([true, true, false, false])
})

test('a path that parts from the one before is grouped from there', () => {
  const all = turns(0, 90)
  const groups = groupAgain(all, [])
  const other = groupAgain([...all.slice(0, 45), ...turns(100, 102)], groups)
  expect(sizes(other)).toEqual([40, 7])
  expect(other[0]).toBe(groups[0])
  expect(sizes(groupAgain(turns(200, 241), groups))).toEqual([40, 1])
})
