import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { AppError } from '../../contract/errors.ts'
import { Conversations } from './conversations.ts'
import { openDatabase } from './database.ts'
import { Parking, type ModelParking, type ParkingLimits } from './parking.ts'

/** Parking on a folder of its own, and a model file of which only the content matters. */
async function newParking(limits: Partial<ParkingLimits> = {}) {
  const folder = await mkdtemp(path.join(tmpdir(), 'plenum-parking-'))
  const modelFile = path.join(folder, 'model.gguf')
  await writeFile(modelFile, Buffer.alloc(3_000_000, 'weights'))
  const database = openDatabase(path.join(folder, 'plenum.db'))
  const conversations = new Conversations(database)
  const settings: { limits: ParkingLimits } = { limits: { isOn: true, budgetBytes: 1000, ...limits } }
  const parked = path.join(folder, 'parked')
  const open = () => new Parking({ database, folder: parked, limits: () => settings.limits })
  onTestFinished(async () => {
    conversations[Symbol.dispose]()
    if (database.isOpen) database.close()
    await rm(folder, { recursive: true })
  })
  return {
    parking: open(),
    reopen: open,
    settings,
    modelFile,
    files: () => readdirSync(parked),
    fileAt: (index: number) => path.join(parked, readdirSync(parked)[index]!),
    newConversation: () => conversations.create({}).id,
    deleteConversation: (id: string) => {
      conversations.delete(id)
      conversations.purge(id)
    },
  }
}

const stateFormat = 'keys 1, values 1'

async function park(model: ModelParking, id: string, content: string, format = stateFormat) {
  return model.park(id, {
    stateFormat: format,
    mostBytes: content.length,
    save: async (file) => {
      await writeFile(file, content)
      return { tokens: 12, bytes: content.length }
    },
  })
}

/** What is restored: its content, or what became of it. */
async function restore(model: ModelParking, id: string, format = stateFormat): Promise<string> {
  let content = ''
  const outcome = await model.restore(id, {
    stateFormat: format,
    restore: async (file) => {
      content = readFileSync(file, 'utf8')
      return { tokens: 12 }
    },
  })
  return outcome.kind === 'restored' ? content : outcome.kind === 'refused' ? outcome.reason : outcome.kind
}

test('what is parked comes back, also after a restart, and only the user can read it', async () => {
  const { parking, reopen, modelFile, newConversation, fileAt } = await newParking()
  const id = newConversation()
  const outcome = await park(await parking.ofModel('guide', [modelFile]), id, 'state')
  expect(outcome).toEqual({ kind: 'parked', tokens: 12, bytes: 5 })
  if (process.platform !== 'win32') {
    expect(statSync(fileAt(0)).mode & 0o777).toBe(0o600)
    expect(statSync(path.dirname(fileAt(0))).mode & 0o777).toBe(0o700)
  }
  const later = await reopen().ofModel('guide', [modelFile])
  expect(later.parkedTokens(id)).toBe(12)
  expect(await restore(later, id)).toBe('state')
  expect(await restore(later, 'another')).toBe('absent')
  expect(await restore(await reopen().ofModel('coder', [modelFile]), id)).toBe('absent')
})

test('the newest state of a conversation takes the place of the one before', async () => {
  const { parking, modelFile, newConversation, files } = await newParking()
  const id = newConversation()
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, id, 'before')
  await park(model, id, 'after')
  expect(await restore(model, id)).toBe('after')
  expect(files()).toHaveLength(1)
})

test('refuses and deletes what was cut short, damaged, swapped or made in another kind of context', async () => {
  const { parking, modelFile, newConversation, files, fileAt } = await newParking()
  const model = await parking.ofModel('guide', [modelFile])
  const afterDamage = async (damage: (file: string) => void, format = stateFormat) => {
    const id = newConversation()
    await park(model, id, 'a state')
    damage(fileAt(0))
    const told = await restore(model, id, format)
    expect(files()).toEqual([])
    expect(await restore(model, id)).toBe('absent')
    return told
  }
  expect(await afterDamage((file) => writeFileSync(file, 'a st'))).toBe('the file has 4 of 7 bytes')
  expect(await afterDamage((file) => writeFileSync(file, 'a stAte'))).toBe('the file is damaged')
  expect(await afterDamage(() => undefined, 'keys 8, values 8')).toBe('the context is of another kind')
})

test('refuses what was parked before the model file changed, also when size and date were kept', async () => {
  const { parking, modelFile, newConversation } = await newParking()
  const id = newConversation()
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, id, 'state')
  const { atime, mtime } = statSync(modelFile)
  const content = readFileSync(modelFile)
  content.write('WEIGHTS', 2_999_000)
  await writeFile(modelFile, content)
  await utimes(modelFile, atime, mtime)
  const changed = await parking.ofModel('guide', [modelFile])
  expect(await restore(changed, id)).toBe('the model file has changed')
  // What is in memory was loaded from the file as it was: that is not to be taken for a state of the new one.
  expect(await park(model, id, 'state')).toMatchObject({ kind: 'skipped' })
})

test('refuses a restore that brings back fewer tokens', async () => {
  const { parking, modelFile, newConversation, files } = await newParking()
  const id = newConversation()
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, id, 'state')
  const outcome = await model.restore(id, { stateFormat, restore: async () => ({ tokens: 11 }) })
  expect(outcome).toEqual({ kind: 'refused', reason: '11 of 12 tokens came back' })
  expect(files()).toEqual([])
})

test('keeps to its budget: the states that were not used for the longest time go first', async () => {
  const { parking, modelFile, newConversation, settings } = await newParking({ budgetBytes: 10 })
  const model = await parking.ofModel('guide', [modelFile])
  const [one, two, three] = [newConversation(), newConversation(), newConversation()]
  await park(model, one, 'aaaa')
  await park(model, two, 'bbbb')
  await park(model, three, 'cccc')
  expect(parking.bytes).toBe(8)
  expect(await Promise.all([one, two, three].map((id) => restore(model, id)))).toEqual([
    'absent',
    'bbbb',
    'cccc',
  ])
  expect(await park(model, one, 'too large for it')).toEqual({
    kind: 'skipped',
    reason: 'its 16 B do not fit into the disk budget of 10 B',
  })
  settings.limits = { isOn: true, budgetBytes: 4 }
  await parking.trim()
  expect(parking.bytes).toBe(4)
})

test('parks nothing when it is off, and switching it off deletes what is there', async () => {
  const { parking, modelFile, newConversation, settings, files } = await newParking()
  const id = newConversation()
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, id, 'state')
  settings.limits = { isOn: false, budgetBytes: null }
  expect(await park(model, id, 'state')).toEqual({ kind: 'skipped', reason: 'parking is off' })
  await parking.trim()
  expect(files()).toEqual([])
})

test('a conversation that is deleted leaves nothing behind, also when it is just being parked', async () => {
  const { parking, modelFile, newConversation, files } = await newParking()
  const id = newConversation()
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, id, 'state')
  parking.forget(id)
  expect(files()).toEqual([])
  const outcome = await model.park(id, {
    stateFormat,
    mostBytes: 5,
    save: async (file) => {
      parking.forget(id)
      await writeFile(file, 'state')
      return { tokens: 12, bytes: 5 }
    },
  })
  expect(outcome).toEqual({ kind: 'skipped', reason: 'the conversation was deleted' })
  expect(files()).toEqual([])
})

test('a start clears away half-written states and those of conversations that are gone', async () => {
  const { parking, reopen, modelFile, newConversation, deleteConversation, files, fileAt } =
    await newParking()
  const [stays, goes] = [newConversation(), newConversation()]
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, stays, 'state')
  writeFileSync(path.join(path.dirname(fileAt(0)), 'half-written.tmp'), 'sta')
  await park(model, goes, 'state')
  deleteConversation(goes)
  reopen()
  expect(files()).toHaveLength(1)
  expect(await restore(model, stays)).toBe('state')
})

test('a full disk is survived: what was parked before stays, nothing half-written does', async () => {
  const { parking, modelFile, newConversation, files } = await newParking()
  const id = newConversation()
  const model = await parking.ofModel('guide', [modelFile])
  await park(model, id, 'state')
  const outcome = await model.park(id, {
    stateFormat,
    mostBytes: 9,
    save: async (file) => {
      await writeFile(file, 'new st')
      throw new AppError('DISK_FULL', 'Cannot save a conversation: No space left on device')
    },
  })
  expect(outcome).toEqual({
    kind: 'skipped',
    reason: 'Cannot save a conversation: No space left on device',
  })
  expect(files()).toHaveLength(1)
  expect(await restore(model, id)).toBe('state')
})
