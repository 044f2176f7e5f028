// @vitest-environment jsdom
import { expect, test } from 'vitest'
import { settingsSchema } from '../../contract/settings.ts'
import { allSettings } from './all-settings.ts'
import { defaultSettings, findSettings, isChanged } from './setting-item.ts'

test('every setting that the user makes has its place, once', () => {
  // No choices: whether the tour was seen, and presets, which are made where they are used.
  const ids = Object.keys(settingsSchema.shape).filter((id) => id !== 'isTourSeen' && id !== 'presets')
  expect(allSettings.map(({ id }) => id).sort()).toEqual(ids.sort())
})

test('settings are found by name, effect, unit and section', () => {
  const titles = (filter: string) => findSettings(allSettings, filter).map(({ title }) => title)
  expect(titles('reserve')).toEqual(['Reserve'])
  expect(titles('TOKENS start')).toEqual(['Contexts start with'])
  expect(titles('minutes')).toEqual(['Unload when idle for'])
  expect(titles('appearance')).toEqual(['Theme'])
  expect(titles('no such words')).toEqual([])
  expect(titles(' ')).toHaveLength(allSettings.length)
})

test('a setting is changed when its value is another than by default, lists by what is in them', () => {
  expect(isChanged({ id: 'modelFolders' }, { ...defaultSettings, modelFolders: [] })).toBe(false)
  expect(isChanged({ id: 'modelFolders' }, { ...defaultSettings, modelFolders: ['/models'] })).toBe(true)
  expect(isChanged({ id: 'threads' }, { ...defaultSettings, threads: 4 })).toBe(true)
})
