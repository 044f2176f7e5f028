import { expect, onTestFinished, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { settingsChangesSchema } from '../../contract/settings.ts'
import { openDatabase } from './database.ts'
import { SettingsStore } from './settings.ts'

const defaults = {
  poolSizeBytes: null,
  reserveBytes: null,
  evictionPolicy: 'cost',
  pressureShare: 0.85,
  idleUnloadMinutes: null,
  restoreResidents: 'ask',
  loadOnDrop: true,
  spareProcess: true,
  modelFolders: [],
  findOtherApps: true,
  threads: null,
  contextTokens: 32_768,
  startContextTokens: 4096,
  contextFull: 'slide',
  earlyStopping: true,
  warming: true,
  parking: true,
  parkingBudgetBytes: null,
  speculativeDecoding: 'auto',
  theme: 'system',
  isTourSeen: false,
  routerId: null,
  routerLimitMs: 5000,
  verifierId: null,
  repairerId: null,
  verifiesAnswers: false,
  learnsRouting: 'ask',
  presets: [],
  defaultPresetId: null,
}

function newDatabase() {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  return database
}

test('changes what is named, keeps the rest, and tells', () => {
  const database = newDatabase()
  const store = new SettingsStore(database)
  const heard: unknown[] = []
  const unsubscribe = store.onChange(({ threads, poolSizeBytes }) => heard.push([threads, poolSizeBytes]))
  expect(store.get()).toEqual(defaults)
  store.set({ threads: 3 })
  expect(store.set({ poolSizeBytes: 4 * GB })).toEqual({ ...defaults, threads: 3, poolSizeBytes: 4 * GB })
  store.set({ threads: null })
  store.set({})
  unsubscribe()
  store.set({ loadOnDrop: false })
  expect(heard).toEqual([
    [3, null],
    [3, 4 * GB],
    [null, 4 * GB],
  ])
  expect(new SettingsStore(database).get()).toEqual({
    ...defaults,
    poolSizeBytes: 4 * GB,
    loadOnDrop: false,
  })
})

test('a stored value that is damaged or no longer fits falls back alone', () => {
  const database = newDatabase()
  new SettingsStore(database).set({ threads: 3, evictionPolicy: 'lru' })
  database.exec(`UPDATE settings SET value = '"mru"' WHERE key = 'evictionPolicy'`)
  database.exec(`INSERT INTO settings VALUES ('contextTokens', '{'), ('memo:device', '1')`)
  expect(new SettingsStore(database).get()).toEqual({ ...defaults, threads: 3 })
})

test('a change says nothing about settings that it does not name, and refuses what does not fit', () => {
  expect(settingsChangesSchema.parse({ threads: 2 })).toEqual({ threads: 2 })
  expect(settingsChangesSchema.safeParse({ threads: 0 }).success).toBe(false)
})
