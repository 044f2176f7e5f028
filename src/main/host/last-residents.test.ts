import type { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import type { LibraryModel } from '../../contract/model.ts'
import type { Settings } from '../../contract/settings.ts'
import { openDatabase } from './database.ts'
import { LastResidents } from './last-residents.ts'

function newDatabase(): DatabaseSync {
  const database = openDatabase(':memory:')
  onTestFinished(() => database.close())
  return database
}

const usable = { kind: 'usable' } as LibraryModel['file']

/** A start of the app: what it offers, what it has loaded, and how it goes on. */
function start(database: DatabaseSync, restore: Settings['restoreResidents'] = 'ask') {
  const models = new Map<string, LibraryModel>()
  const listeners = new Set<() => void>()
  const loaded: string[] = []
  const lastResidents = new LastResidents({
    database,
    library: {
      list: () => [...models.values()],
      get: (id) => models.get(id),
      onChange: (listener) => {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
    },
    loadIfItFits: async (modelId) => {
      if (modelId === 'broken') throw new Error('Cannot load "broken"')
      loaded.push(modelId)
      lastResidents.keep(loaded)
    },
    onChange: () => undefined,
    onDefect: (error) => {
      throw error
    },
  })
  const add = (id: string, more: Partial<LibraryModel> = {}) => {
    // Only what bringing models back looks at.
    models.set(id, { id, source: 'demo', pinned: false, file: usable, ...more } as LibraryModel)
    for (const listener of listeners) listener()
  }
  return {
    loaded,
    lastResidents,
    add,
    run: () => lastResidents.start(restore),
    offered: () => lastResidents.offered.map(({ id }) => id),
  }
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('brings a demo model that was not understood at first once it is', async () => {
  const first = start(newDatabase())
  first.run()
  first.add('guide', {
    file: { kind: 'unusable', problem: { code: 'BAD_MODEL_FILE', message: 'Late', details: {} } },
  })
  await settled()
  expect(first.loaded).toEqual([])
  first.add('guide')
  first.add('guide')
  await settled()
  expect(first.loaded).toEqual(['guide'])
})

test('brings the demo models at the very first start, as they are found, and nobody else', async () => {
  const first = start(newDatabase())
  first.run()
  first.lastResidents.keep([])
  first.add('guide')
  first.add('broken')
  await settled()
  first.add('mine', { source: 'added' })
  first.add('coder')
  await settled()
  expect(first.loaded).toEqual(['guide', 'coder'])
})

test('a first start that ended before anything was resident stays a first start', async () => {
  const database = newDatabase()
  const first = start(database)
  first.run()
  first.lastResidents.keep([])
  first.lastResidents[Symbol.dispose]()

  const second = start(database)
  second.add('guide')
  second.run()
  await settled()
  expect(second.loaded).toEqual(['guide'])
})

test('offers who was resident until that is answered, also over further starts', async () => {
  const database = newDatabase()
  const first = start(database)
  first.run()
  first.lastResidents.keep(['coder', 'guide', 'gone'])
  first.lastResidents[Symbol.dispose]()
  first.lastResidents.keep([])

  for (let count = 0; count < 2; count++) {
    const next = start(database)
    next.add('guide', { pinned: true })
    next.add('coder')
    next.run()
    next.lastResidents.keep([])
    expect(next.offered()).toEqual(['coder', 'guide'])
    next.lastResidents[Symbol.dispose]()
  }

  const accepting = start(database)
  accepting.add('guide', { pinned: true })
  accepting.add('coder')
  accepting.run()
  accepting.lastResidents.answer({ accept: true })
  await settled()
  expect([accepting.loaded, accepting.offered()]).toEqual([['guide', 'coder'], []])
})

test('what was turned down is not offered again', () => {
  const database = newDatabase()
  start(database).lastResidents.keep(['guide'])
  const declining = start(database)
  declining.add('guide')
  declining.run()
  declining.lastResidents.answer({ accept: false })
  declining.lastResidents.keep([])

  const next = start(database)
  next.add('guide')
  next.run()
  expect([next.offered(), next.loaded]).toEqual([[], []])
})

test('a model that was loaded by hand and left again is not offered any more', () => {
  const database = newDatabase()
  start(database).lastResidents.keep(['coder', 'guide'])
  const next = start(database)
  next.add('guide')
  next.add('coder')
  next.run()
  next.lastResidents.keep(['guide'])
  next.lastResidents.keep([])
  expect(next.offered()).toEqual(['coder'])

  const later = start(database)
  later.add('guide')
  later.add('coder')
  later.run()
  expect(later.offered()).toEqual(['coder'])
})

test.each([
  ['always', ['guide']],
  ['never', []],
] as const)('with "%s" loads %j and offers nothing', async (restore, expected) => {
  const database = newDatabase()
  start(database).lastResidents.keep(['guide'])
  const next = start(database, restore)
  next.add('guide')
  next.run()
  await settled()
  expect([next.loaded, next.offered()]).toEqual([expected, []])
})
