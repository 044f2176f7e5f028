import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Answer, Turn } from '../../contract/conversation.ts'
import type { Settings } from '../../contract/settings.ts'
import { startTestHost } from './testing-host.ts'

const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'

/** A host on a data folder, and a client that calls it as the shells do. */
async function startHost(dataFolder: string) {
  const { host, client } = await startTestHost(dataFolder)
  return {
    client,
    async ask(id: string, text: string, modelId = guide): Promise<Answer> {
      return chosen((await client.turns.ask({ id, text, modelId })) as Turn)
    },
    /** Asks the last turn of a conversation again. */
    async retry(id: string, modelId = guide): Promise<Answer> {
      const { turns } = await client.conversations.get({ id })
      const { chosenAnswerId } = await client.turns.retry({ turnId: turns.at(-1)!.id, modelId })
      for await (const event of await client.conversations.watch({ id })) {
        const turn =
          event.kind === 'snapshot' ? event.conversation.turns.at(-1) : 'turn' in event && event.turn
        if (turn && turn.chosenAnswerId === chosenAnswerId && chosen(turn).state.kind === 'done')
          return chosen(turn)
      }
      throw new Error('The conversation is no longer watched')
    },
    async [Symbol.asyncDispose]() {
      await host[Symbol.asyncDispose]()
    },
  }
}

function chosen({ answers, chosenAnswerId }: Turn): Answer {
  return answers.find(({ id }) => id === chosenAnswerId)!
}

/** A data folder with these settings, and no models loaded by themselves. */
async function newFolder(settings: Partial<Settings>): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-memory-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  await using host = await startHost(folder)
  await host.client.settings.set({ restoreResidents: 'never', ...settings })
  return folder
}

test('a name is remembered over unloading and a restart of the host, and only what is new is read', async () => {
  const folder = await newFolder({})
  const conversation = { id: '' }
  const used = async (host: Awaited<ReturnType<typeof startHost>>) => {
    const { residents } = await host.client.pool.get()
    return residents.find(({ modelId }) => modelId === guide)?.usedTokens
  }
  let held: number | undefined
  {
    await using host = await startHost(folder)
    const { id } = await host.client.conversations.create({})
    conversation.id = id
    await host.ask(id, 'My name is Nora.')
    held = await used(host)
    await host.client.models.unload({ id: guide })
    const answer = await host.ask(id, 'How do I pin a model?')
    expect(answer.stats?.reusedTokens).toBe(held)
    held = await used(host)
    const { events } = await host.client.pool.get()
    expect(events.map(({ kind }) => kind)).toContain('restored')
  }
  const parked = () => readdirSync(path.join(folder, 'parked'))
  {
    await using host = await startHost(folder)
    const answer = await host.ask(conversation.id, 'What is my name?')
    expect(answer.text).toContain('Nora')
    expect(answer.stats?.reusedTokens).toBe(held)
    expect(parked()).toHaveLength(1)
    await host.client.conversations.delete({ id: conversation.id })
  }
  // Until the next start the deletion can be taken back, with what is parked of the conversation; then that goes too.
  expect(parked()).toHaveLength(1)
  await using _host = await startHost(folder)
  await expect.poll(parked).toEqual([])
}, 120_000)

test('when the context is full the oldest turns slide out, the first stays, and later turns read little', async () => {
  const folder = await newFolder({ contextTokens: 512, startContextTokens: 256 })
  await using host = await startHost(folder)
  const { id } = await host.client.conversations.create({})
  const answers = [await host.ask(id, 'My name is Nora.')]
  const slides = () => new Set(answers.map(({ memoryStartsAtTurnId }) => memoryStartsAtTurnId)).size - 1
  const questions = ['How do I pin a model?', 'What is a KV cache?', 'How do I add a model?']
  while (slides() < 2 && answers.length < 60)
    answers.push(await host.ask(id, questions[answers.length % questions.length]!))
  expect(answers.map(({ state }) => state)).toEqual(answers.map(() => ({ kind: 'done', stopReason: 'end' })))
  expect(slides()).toBe(2)

  // The first of its window is read anew; of every other turn all but its own question was there.
  const [, first, second] = new Set(answers.map(({ memoryStartsAtTurnId }) => memoryStartsAtTurnId))
  const window = answers.filter(({ memoryStartsAtTurnId }) => memoryStartsAtTurnId === first)
  expect(window.length).toBeGreaterThanOrEqual(3)
  for (const [index, { stats }] of window.slice(1).entries()) {
    const before = window[index]!.stats!
    expect(stats!.reusedTokens).toBeGreaterThanOrEqual(before.promptTokens + before.generatedTokens - 2)
    expect(stats!.reusedTokens / stats!.promptTokens).toBeGreaterThan(0.7)
  }
  expect(second).toBeDefined()
  // What stands first stays, whatever slid out.
  expect(answers.at(-1)?.memoryKeepsFirstTurn).toBe(true)
  expect((await host.ask(id, 'What is my name?')).text).toContain('Nora')
  const { turns } = await host.client.conversations.get({ id })
  const shown = turns.map(({ id: turnId }) => turnId)
  expect(shown).toContain(first)
}, 120_000)

test('over ten turns after sliding most of what is asked for was there, also asked again and by another model', async () => {
  const folder = await newFolder({ contextTokens: 512, startContextTokens: 256 })
  await using host = await startHost(folder)
  const { id } = await host.client.conversations.create({})
  const questions = ['How do I pin a model?', 'What is a KV cache?', 'How do I add a model?']
  const answers: Answer[] = [await host.ask(id, 'My name is Nora.')]
  const ask = async () => answers.push(await host.ask(id, questions[answers.length % questions.length]!))
  while (answers.at(-1)!.memoryStartsAtTurnId === undefined) await ask()
  const slidAt = answers.length
  for (let turn = 0; turn < 10; turn++) await ask()
  const after = answers.slice(slidAt).map(({ stats }) => stats!)
  const sum = (of: (stats: (typeof after)[number]) => number) =>
    after.reduce((total, each) => total + of(each), 0)
  // Those turns in which it slides again included.
  expect(sum(({ reusedTokens }) => reusedTokens) / sum(({ promptTokens }) => promptTokens)).toBeGreaterThan(
    0.6,
  )
  expect(
    after.filter(({ reusedTokens, promptTokens }) => reusedTokens > 0.7 * promptTokens).length,
  ).toBeGreaterThan(6)

  // Asked again, the memory begins at the same turn, and nothing but the last token is read.
  const last = answers.at(-1)!
  const again = await host.retry(id)
  expect([again.memoryStartsAtTurnId, again.text]).toEqual([last.memoryStartsAtTurnId, last.text])
  expect(again.stats!.reusedTokens).toBe(again.stats!.promptTokens - 1)
  // Another model has a memory of its own, which does not reach back to the beginning either.
  const other = await host.ask(id, 'What is my name?', coder)
  expect(other.memoryStartsAtTurnId).toBeDefined()
  const back = await host.ask(id, 'What is my name?')
  expect(back.text).toContain('Nora')
  const { turns } = await host.client.conversations.get({ id })
  const path = turns.map(({ id: turnId }) => turnId)
  expect(path.indexOf(back.memoryStartsAtTurnId!)).toBeGreaterThanOrEqual(
    path.indexOf(again.memoryStartsAtTurnId!),
  )
}, 180_000)

test('a context that grows has the idle conversation of another model put on disk when there is no other room', async () => {
  const folder = await newFolder({ pressureShare: 1 })
  await using host = await startHost(folder)
  const { client } = host
  const idle = await client.conversations.create({})
  await host.ask(idle.id, 'My name is Ada.', coder)
  await host.ask((await client.conversations.create({})).id, 'My name is Grace.', coder)
  const { id } = await client.conversations.create({})
  await client.settings.set({ startContextTokens: 256 })
  await host.ask(id, 'My name is Nora.')
  // No more room than what is taken now.
  const reserveBytes = 2 ** 26
  await client.settings.set({ reserveBytes })
  const { usedBytes } = (await client.pool.get()).domains[0]!
  await client.settings.set({ poolSizeBytes: usedBytes + reserveBytes })
  const contexts = async (modelId: string) => {
    const { residents } = await client.pool.get()
    return residents.find((resident) => resident.modelId === modelId)?.contexts ?? []
  }
  for (let turn = 0; turn < 10 && (await contexts(guide))[0]?.contextTokens === 256; turn++)
    await host.ask(id, 'How do I pin a model?')
  expect((await contexts(guide)).map(({ contextTokens }) => contextTokens)).toEqual([512])
  expect((await contexts(coder)).map(({ conversationId }) => conversationId)).not.toContain(idle.id)
  const { events } = await client.pool.get()
  expect(events.slice(0, 2).map(({ kind, name, text }) => [kind, name, text])).toEqual([
    [
      'grown',
      'Guide',
      expect.stringMatching(
        /^Context grown from 256 tokens to 512 tokens: its conversation needs \d+ tokens$/,
      ),
    ],
    ['parked', 'Coder', 'An idle conversation was put on disk so that a conversation with "Guide" can grow'],
  ])
  // And both go on.
  expect((await host.ask(id, 'What is my name?')).text).toContain('Nora')
  expect((await host.ask(idle.id, 'What is my name?', coder)).text).toContain('Ada')
}, 120_000)

test('with the setting to stop the answer says that the context is full', async () => {
  const folder = await newFolder({ contextTokens: 256, startContextTokens: 256, contextFull: 'stop' })
  await using host = await startHost(folder)
  const { id } = await host.client.conversations.create({})
  let answer = await host.ask(id, 'My name is Nora.')
  while (answer.state.kind === 'done') answer = await host.ask(id, 'How do I pin a model?')
  expect(answer.state).toMatchObject({ kind: 'interrupted', problem: { code: 'CONTEXT_FULL' } })
  expect(answer.memoryStartsAtTurnId).toBeUndefined()
}, 120_000)
