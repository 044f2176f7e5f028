import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { MB } from '../../contract/bytes.ts'
import type { Answer, ConversationEvent, Turn } from '../../contract/conversation.ts'
import { predictionError, type Footprint, type PoolSnapshot } from '../../contract/memory.ts'
import type { LoadOptions } from '../../contract/model.ts'
import type { HostOptions } from './host.ts'
import { startNodeChild } from './node-starter.ts'
import type { ChildChannel, StartChild } from './starter.ts'
import { startTestHost } from './testing-host.ts'

const guide = 'demo-guide-2.2m-f16'
const coder = 'demo-coder-2.2m-f16'
const judge = 'demo-judge-2.2m-q8_0'

/** Starts real children, and can keep back what they say, as a slow model would. */
class HoldingStarter {
  readonly #held: (() => void)[] = []
  #isArmed = false
  #isHolding = false

  /** Lets through the first text of the next answer and keeps everything after it back until `release`. */
  holdAfterFirstText(): void {
    this.#isArmed = true
  }

  release(): void {
    this.#isArmed = false
    this.#isHolding = false
    for (const deliver of this.#held.splice(0)) deliver()
  }

  readonly start: StartChild = (options) => {
    const channel = startNodeChild(options)
    const onMessage: ChildChannel['onMessage'] = (listener) =>
      channel.onMessage((message) => {
        if (this.#isHolding) this.#held.push(() => listener(message))
        else listener(message)
        if (this.#isArmed && String(message).includes('"kind":"text"')) this.#isHolding = true
      })
    return new Proxy(channel, {
      get: (target, key) => (key === 'onMessage' ? onMessage : (Reflect.get(target, key) as unknown)),
    })
  }
}

function newFolder(): string {
  return mkdtempSync(path.join(tmpdir(), 'plenum-host-'))
}

/** A host on a folder of its own, with the demo models, and a client that calls it as the shells do. */
async function startHost(options: Partial<HostOptions> = {}) {
  const dataFolder = options.dataFolder ?? newFolder()
  const starter = new HoldingStarter()
  const { host, client } = await startTestHost(dataFolder, { startChild: starter.start, ...options })

  return {
    client,
    starter,
    dataFolder,
    /** Ends when the pool looks as asked for. */
    async untilPool(holds: (pool: PoolSnapshot) => boolean): Promise<PoolSnapshot> {
      for await (const pool of await client.pool.watch()) if (holds(pool)) return pool
      throw new Error('The pool is no longer watched')
    },
    async untilReady(...modelIds: string[]): Promise<PoolSnapshot> {
      return this.untilPool(({ residents }) =>
        modelIds.every((id) => residents.some(({ modelId, state }) => modelId === id && state === 'ready')),
      )
    },
    /** Ends when the library knows all demo models. */
    async untilListed(): Promise<void> {
      for await (const models of await client.models.watch()) if (models.length === 3) return
    },
    async end(): Promise<void> {
      starter.release()
      await host[Symbol.asyncDispose]()
    },
  }
}

type TestHost = Awaited<ReturnType<typeof startHost>>

/** A host of one test. */
async function startOwnHost(options: Partial<HostOptions> = {}): Promise<TestHost> {
  const host = await startHost(options)
  onTestFinished(async () => {
    await host.end()
    rmSync(host.dataFolder, { recursive: true, force: true })
  })
  return host
}

async function ask(host: TestHost, id: string, text: string, modelId: string): Promise<Answer> {
  const turn = await host.client.turns.ask({ id, text, modelId })
  return chosen(turn as Turn)
}

function chosen(turn: Turn): Answer {
  return turn.answers.find(({ id }) => id === turn.chosenAnswerId)!
}

/** Follows a conversation until an answer is as asked for; all events up to there. */
async function follow(
  events: AsyncIterable<ConversationEvent>,
  isThere: (answer: Answer) => boolean,
): Promise<ConversationEvent[]> {
  const seen: ConversationEvent[] = []
  for await (const event of events) {
    seen.push(event)
    if (event.kind === 'turn' && isThere(chosen(event.turn))) break
  }
  return seen
}

describe('a host with the demo models', () => {
  const shared: { host?: TestHost } = {}
  const host = (): TestHost => shared.host!

  beforeAll(async () => {
    shared.host = await startHost()
    await host().untilReady(guide, coder, judge)
  }, 60_000)

  afterEach(() => {
    host().starter.release()
  })

  afterAll(async () => {
    await host().end()
    rmSync(host().dataFolder, { recursive: true, force: true })
  })

  test('shows three residents at the first start, and sums that agree', async () => {
    const pool = await host().client.pool.get()
    expect(pool.residents.map(({ name, state, pinned }) => [name, state, pinned]).sort()).toEqual([
      ['Coder', 'ready', false],
      ['Guide', 'ready', false],
      ['Judge', 'ready', false],
    ])
    const [domain] = pool.domains
    const held = pool.residents
      .flatMap(({ footprint }) => footprint)
      .reduce((sum, { bytes }) => sum + bytes, 0)
    expect(domain?.usedBytes).toBe(held)
    expect(domain!.reserveBytes + domain!.otherBytes + domain!.usedBytes + domain!.freeBytes).toBe(
      domain?.totalBytes,
    )
    expect(pool.residents.every(({ processId }) => processId !== null && processId !== process.pid)).toBe(
      true,
    )
  })

  test('every model sees the whole conversation and reads nothing twice', async () => {
    const { id } = await host().client.conversations.create({})
    const first = await ask(host(), id, 'My name is Nora.', guide)
    const second = await ask(host(), id, 'What is my name?', coder)
    const third = await ask(host(), id, 'What is my name?', guide)
    expect([first.modelName, second.modelName, third.modelName]).toEqual(['Guide', 'Coder', 'Guide'])
    expect(second.text).toContain('Nora')
    expect(third.text).toContain('Nora')
    expect([first.stats!.reusedTokens, second.stats!.reusedTokens]).toEqual([0, 0])
    // All that Guide read and wrote in its first turn; the last token it wrote was never read.
    expect(third.stats!.reusedTokens).toBeGreaterThanOrEqual(
      first.stats!.promptTokens + first.stats!.generatedTokens - 1,
    )
    expect(third.stats!.reusedTokens).toBeLessThan(third.stats!.promptTokens)
    const { residents } = await host().client.pool.get()
    expect(residents.find(({ modelId }) => modelId === guide)?.contexts[0]?.conversationId).toBe(id)
  })

  test('streams a snapshot, then the turn, then text that joins up to the answer', async () => {
    const { client } = host()
    const { id } = await client.conversations.create({})
    const events = await client.conversations.watch({ id })
    const { value: first } = await events.next()
    const seen = follow(events, ({ state }) => state.kind === 'done')
    const turn = await client.turns.send({ conversationId: id, text: 'What is a KV cache?', modelId: guide })
    expect(turn.text).toBe('What is a KV cache?')
    expect(first).toMatchObject({ kind: 'snapshot', conversation: { id, turns: [] } })
    let text = ''
    for (const event of await seen) {
      if (event.kind === 'snapshot') text = event.conversation.turns.at(-1)?.answers[0]?.text ?? ''
      if (event.kind === 'turn') text = chosen(event.turn).text
      if (event.kind === 'text') {
        expect(event.at).toBe(text.length)
        text += event.text
      }
    }
    const conversation = await client.conversations.get({ id })
    expect(conversation.turns[0]?.answers[0]?.text).toBe(text)
    expect(text.length).toBeGreaterThan(20)
    expect(conversation.title).toBe('What is a KV cache?')
  })

  test('gives scripts the events of one turn and then ends', async () => {
    const { client } = host()
    const { id } = await client.conversations.create({})
    const events = await client.turns.ask({ id, text: 'Who are you?', modelId: judge, stream: true })
    const kinds: string[] = []
    for await (const event of events as AsyncIterable<ConversationEvent>) kinds.push(event.kind)
    expect(kinds[0]).toBe('snapshot')
    expect(kinds.at(-1)).toBe('turn')
    const { turns } = await client.conversations.get({ id })
    expect(turns[0]?.answers[0]?.state).toEqual({ kind: 'done', stopReason: 'end' })
  })

  test('waits in line while another model decodes, and says behind whom', async () => {
    const { client, starter } = host()
    const [one, two] = await Promise.all([client.conversations.create({}), client.conversations.create({})])
    const events = await client.conversations.watch({ id: one.id })
    starter.holdAfterFirstText()
    await client.turns.send({ conversationId: one.id, text: 'What is a KV cache?', modelId: guide })
    await firstText(events)
    const waiting = await client.conversations.watch({ id: two.id })
    const queued = follow(
      waiting,
      ({ state }) => state.kind === 'waiting' && state.reason === 'Next in line behind "Guide"',
    )
    await client.turns.send({ conversationId: two.id, text: 'Who are you?', modelId: judge })
    await queued
    const done = follow(
      await client.conversations.watch({ id: two.id }),
      ({ state }) => state.kind === 'done',
    )
    starter.release()
    await done
  })

  test('consolidates idle conversations, and says what the KV caches hold before and after', async () => {
    const { client } = host()
    for (const text of ['Who are you?', 'My name is Ada.']) {
      const { id } = await client.conversations.create({})
      await ask(host(), id, text, coder)
    }
    const before = await client.pool.get()
    const [first, second] = before.residents.find(({ modelId }) => modelId === coder)?.contexts ?? []
    expect([first?.isBusy, second?.isBusy]).toEqual([false, false])
    const caches = before.residents.flatMap(({ contexts }) => contexts)
    expect(before.kv.reservedBytes).toBe(caches.reduce((sum, { kvBytes }) => sum + kvBytes, 0))
    expect(before.kv.unusedBytes).toBeLessThan(before.kv.reservedBytes)
    expect(before.kv.strandedBytes).toBeGreaterThanOrEqual(2 * first!.kvBytes)

    expect(before.kv.reclaimableBytes).toBeGreaterThan(0)

    const { freedBytes, kvCaches } = await client.pool.consolidate()
    const after = await client.pool.get()
    expect(after.kv.reclaimableBytes).toBe(0)
    expect(kvCaches).toBeGreaterThanOrEqual(1)
    expect(after.residents.every(({ contexts }) => contexts.length === 1)).toBe(true)
    const won = before.kv.reservedBytes - after.kv.reservedBytes
    expect(won).toBeGreaterThanOrEqual(first!.kvBytes)
    expect(freedBytes).toBeGreaterThanOrEqual(won)
    // What stays is as small as what it holds.
    const smallest = after.residents.map(({ contexts }) => contexts[0]!)
    expect(smallest.map(({ contextTokens }) => contextTokens)).toEqual(
      smallest.map(({ usedTokens }) => Math.ceil((usedTokens + 1) / 256) * 256),
    )
    expect(after.counters.reliefs - before.counters.reliefs).toBe(kvCaches)
    expect(after.events[0]?.text).toMatch(/on request$/)
    expect(after.events[0]?.tookMs).toBeGreaterThanOrEqual(0)
  })

  test('sets what a load was predicted to take beside what it took, and learns for the next one', async () => {
    const { client } = host()
    const details = async () => {
      const { residents } = await client.pool.get()
      return residents.find(({ modelId }) => modelId === guide)!
    }
    const sources = (footprint: Footprint) => [...new Set(footprint.map(({ source }) => source))].sort()
    await client.models.unload({ id: guide })
    const before = await client.models.history({ id: guide })
    await client.models.load({ id: guide })
    const loaded = await details()
    expect(loaded.predictionError).toBe(predictionError(loaded.predicted, loaded.measured))
    // The KV cache is arithmetic, and what an earlier load has taken is no measurement of this one.
    expect([sources(loaded.predicted), sources(loaded.measured)]).toEqual([
      ['learned', 'predicted'],
      ['measured', 'predicted'],
    ])
    expect(loaded.contextLimitTokens).toBe(1024)
    const [newest, ...older] = await client.models.history({ id: guide })
    expect(older).toEqual(before)
    expect(newest).toMatchObject({
      ...{ backend: 'CPU', corrected: loaded.predicted, measured: loaded.measured },
      loadedWith: loaded.loadedWith,
    })
  })

  test('stops at once in the middle of an answer, keeps the text, and goes on afterwards', async () => {
    const { client, starter } = host()
    const { id } = await client.conversations.create({})
    const events = await client.conversations.watch({ id })
    starter.holdAfterFirstText()
    const turn = await client.turns.send({ conversationId: id, text: 'What is a KV cache?', modelId: guide })
    await firstText(events)
    const before = (await client.conversations.get({ id })).turns[0]!.answers[0]!
    expect(before.state).toEqual({ kind: 'writing' })

    await expect(
      client.turns.send({ conversationId: id, text: 'And now?', modelId: coder }),
    ).rejects.toMatchObject({
      code: 'MODEL_BUSY',
      message: 'Cannot send to "What is a KV cache?": "Guide" is still answering in it',
    })

    await client.turns.stop({ turnId: turn.id })
    const stopped = (await client.conversations.get({ id })).turns[0]!.answers[0]!
    expect([stopped.text, stopped.state]).toEqual([before.text, { kind: 'done', stopReason: 'stopped' }])
    expect(stopped.text).not.toBe('')
    await client.turns.stop({ turnId: turn.id })

    starter.release()
    const next = await ask(host(), id, 'Who are you?', guide)
    expect(next.state).toEqual({ kind: 'done', stopReason: 'end' })
    const { turns } = await client.conversations.get({ id })
    expect(turns.map(({ answers }) => answers[0]?.stats !== null)).toEqual([true, true])
  })

  test('a turn asked again gets a second answer, which later turns build on', async () => {
    const { client } = host()
    const { id } = await client.conversations.create({})
    await ask(host(), id, 'Who are you?', coder)
    const [turn] = (await client.conversations.get({ id })).turns
    const watching = await client.conversations.watch({ id })
    const seen = follow(watching, ({ modelId, state }) => modelId === guide && state.kind === 'done')
    await client.turns.retry({ turnId: turn!.id, modelId: guide })
    await seen
    const again = (await client.conversations.get({ id })).turns[0]!
    expect(again.answers.map(({ modelId }) => modelId)).toEqual([coder, guide])
    expect(chosen(again).modelId).toBe(guide)
    expect(chosen(again).text).toContain('Guide')
  })

  test('deleting a conversation ends its answer and what the model kept of it', async () => {
    const { client, starter } = host()
    const { id } = await client.conversations.create({})
    const events = await client.conversations.watch({ id })
    starter.holdAfterFirstText()
    await client.turns.send({ conversationId: id, text: 'What is a KV cache?', modelId: guide })
    await firstText(events)
    await client.conversations.delete({ id })
    let last: ConversationEvent | undefined
    for await (const event of events) last = event
    expect(last).toEqual({ kind: 'deleted' })
    starter.release()
    await host().untilPool(({ residents }) =>
      residents.every(
        ({ state, contexts }) =>
          state === 'ready' && contexts.every(({ conversationId }) => conversationId !== id),
      ),
    )
    await expect(client.conversations.get({ id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test("says in the contract's terms what is wrong with a request", async () => {
    const { client } = host()
    const { id } = await client.conversations.create({})
    const noModel = client.turns.send({ conversationId: id, text: 'Hello', modelId: 'none' })
    await expect(noModel).rejects.toMatchObject({
      defined: true,
      code: 'NOT_FOUND',
      message: 'There is no model "none"',
      data: { modelId: 'none' },
    })
    const noText = client.turns.send({ conversationId: id, text: '', modelId: guide })
    await expect(noText).rejects.toMatchObject({ defined: true, code: 'BAD_INPUT' })
    await expect(client.files.choose({ kind: 'gguf' })).rejects.toMatchObject({ code: 'NOT_SUPPORTED' })
    expect((await client.conversations.get({ id })).turns).toEqual([])
  })

  test('a model process that is killed in mid-answer takes nothing else with it', async () => {
    const { client, starter } = host()
    const { id } = await client.conversations.create({})
    const events = await client.conversations.watch({ id })
    starter.holdAfterFirstText()
    await client.turns.send({ conversationId: id, text: 'What is a KV cache?', modelId: guide })
    await firstText(events)
    const text = (await client.conversations.get({ id })).turns[0]!.answers[0]!.text
    const before = await client.pool.get()
    process.kill(before.residents.find(({ modelId }) => modelId === guide)!.processId!, 'SIGKILL')
    await follow(events, ({ state }) => state.kind === 'interrupted')
    starter.release()

    const answer = (await client.conversations.get({ id })).turns[0]!.answers[0]!
    expect(answer.text).toBe(text)
    expect(answer.text).not.toBe('')
    expect(answer.state).toMatchObject({ kind: 'interrupted', problem: { code: 'MODEL_CRASHED' } })
    const pool = await client.pool.get()
    expect(pool.residents.map(({ modelId, state }) => [modelId, state]).sort()).toEqual([
      [coder, 'ready'],
      [guide, 'failed'],
      [judge, 'ready'],
    ])
    expect(pool.counters.crashes).toBe(1)

    const next = await ask(host(), id, 'Who are you?', guide)
    expect(next.state).toEqual({ kind: 'done', stopReason: 'end' })
    expect((await host().untilReady(guide, coder, judge)).residents).toHaveLength(3)
  })

  test('unloading spares a model that answers, unless by force, and the answer says so', async () => {
    const { client, starter } = host()
    const { id } = await client.conversations.create({})
    const events = await client.conversations.watch({ id })
    starter.holdAfterFirstText()
    await client.turns.send({ conversationId: id, text: 'What is a KV cache?', modelId: judge })
    await firstText(events)
    await expect(client.models.unload({ id: judge })).rejects.toMatchObject({ code: 'MODEL_BUSY' })
    await client.models.unload({ id: judge, force: true })
    await follow(events, ({ state }) => state.kind === 'interrupted')
    const answer = (await client.conversations.get({ id })).turns[0]!.answers[0]!
    expect(answer.text).not.toBe('')
    expect(answer.state).toMatchObject({
      problem: { code: 'MODEL_FAILED', message: '"Judge" was taken out of memory before it had answered' },
    })
    const { residents } = await client.pool.get()
    expect(residents.map(({ modelId }) => modelId).sort()).toEqual([coder, guide])
  })

  test('unloading a model that loads cancels the load, and whoever asked for it hears why', async () => {
    const { client } = host()
    const loading = client.models.load({ id: judge }).catch((error: unknown) => error)
    await host().untilPool(({ residents }) =>
      residents.some(({ modelId, state }) => modelId === judge && state === 'loading'),
    )
    await client.models.unload({ id: judge })
    expect(await loading).toMatchObject({
      code: 'MODEL_FAILED',
      message: 'Loading "Judge" was cancelled: it was taken out of memory',
    })
  })

  // Last: the pool is smaller afterwards.
  test('a pool that is made smaller has idle models leave, and is refused what they may not give', async () => {
    const { client } = host()
    await client.models.load({ id: judge })
    await client.models.pin({ id: guide })
    await client.models.pin({ id: coder })
    const { counters } = await client.pool.get()
    // Room for two, and half of the third.
    const bytes = (await client.pool.get()).residents.map(({ modelId, footprint }) => ({
      modelId,
      bytes: footprint.reduce((sum, part) => sum + part.bytes, 0),
    }))
    const poolSizeBytes = bytes.reduce(
      (sum, each) => sum + Math.ceil(each.modelId === judge ? each.bytes / 2 : each.bytes),
      0,
    )
    await client.settings.set({ poolSizeBytes, reserveBytes: 0 })
    const pool = await client.pool.get()
    expect(pool.counters.evictions).toBe(counters.evictions + 1)
    expect(pool.residents.map(({ modelId }) => modelId).sort()).toEqual([coder, guide])
    expect(pool.domains[0]).toMatchObject({ totalBytes: poolSizeBytes, reserveBytes: 0, otherBytes: 0 })

    await expect(client.settings.set({ poolSizeBytes: 96 * MB })).rejects.toMatchObject({ code: 'NO_ROOM' })
    await expect(client.settings.set({ reserveBytes: poolSizeBytes })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    })
    expect(await client.settings.get()).toMatchObject({ poolSizeBytes, reserveBytes: 0 })
  })
})

describe('a host with a small pool', () => {
  test('a third model has the idle one leave and the pinned one stay; what cannot fit says what would help', async () => {
    const host = await startOwnHost({ poolSizeBytes: 150 * MB, reserveBytes: 0 })
    const { client } = host
    await host.untilListed()
    await client.models.load({ id: guide })
    await client.models.pin({ id: guide })
    await client.models.load({ id: coder })
    const preview = await client.models.preview({ id: judge })
    expect(preview.verdict).toMatchObject({ kind: 'evicts', leaving: [{ modelId: coder }] })
    // With so little room its context begins small.
    expect(preview).toMatchObject({
      ...{ startContextTokens: 512, contextTokens: 1024, warnings: [] },
      loadedWith: { contextTokens: 512, kvType: 'f16' },
    })
    const reload = await client.models.preview({ id: guide, contextTokens: 512, reload: true })
    expect(reload).toMatchObject({ contextTokens: 512, verdict: { kind: 'fits' } })
    // Memory is short: it would begin small and may grow to what it was trained with, unless somebody says otherwise.
    const sizesOf = async (options: LoadOptions) => {
      const { startContextTokens, contextTokens } = await client.models.preview({ id: judge, ...options })
      return [startContextTokens, contextTokens]
    }
    expect(await sizesOf({})).toEqual([512, 1024])
    expect(preview.grownBytes).toBeGreaterThan(preview.footprint.reduce((sum, { bytes }) => sum + bytes, 0))
    expect(await sizesOf({ startContextTokens: 1024 })).toEqual([1024, 1024])
    expect(await sizesOf({ contextTokens: 256 })).toEqual([256, 256])
    await client.models.update({ id: judge, loadOptions: { startContextTokens: 768, contextTokens: 900 } })
    expect(await sizesOf({})).toEqual([768, 900])
    await client.models.update({ id: judge, loadOptions: {} })

    const { id } = await client.conversations.create({})
    const answer = await ask(host, id, 'Who are you?', judge)
    expect(answer.text).toContain('Judge')
    const pool = await host.untilReady(guide, judge)
    expect(pool.residents.map(({ modelId }) => modelId).sort()).toEqual([guide, judge])
    expect(pool.counters.evictions).toBe(1)

    await client.models.pin({ id: judge })
    const refused = await ask(host, id, 'Who are you?', coder)
    const problem = refused.state.kind === 'interrupted' ? refused.state.problem : null
    expect(problem?.code).toBe('NO_ROOM')
    // A smaller form of it may do as well: that goes by what the others were measured to take.
    expect(problem?.details.remedies?.slice(0, 2)).toMatchObject([{ kind: 'unpin' }, { kind: 'unpin' }])
    await expect(client.models.load({ id: coder })).rejects.toMatchObject({ code: 'NO_ROOM', status: 507 })
  })
})

test.runIf(process.platform === 'linux')(
  'loading and unloading again and again leaves no open file, no process and no reservation',
  async () => {
    const host = await startOwnHost()
    await host.untilReady(guide, coder, judge)
    const { client } = host
    for (const id of [guide, coder, judge]) await client.models.unload({ id })
    const cycle = async (id: string) => {
      await client.models.load({ id })
      await client.models.unload({ id })
    }
    const openFiles = () => readdirSync('/proc/self/fd').length
    // The first cycle may open what stays.
    await cycle(guide)
    const before = openFiles()
    for (const id of [coder, judge, guide, coder, judge, guide, coder, judge]) await cycle(id)
    // Fewer when the probe has ended meanwhile.
    expect(openFiles()).toBeLessThanOrEqual(before)
    const { domains, residents, counters } = await client.pool.get()
    expect([domains.map(({ usedBytes }) => usedBytes), residents]).toEqual([[0], []])
    expect(counters).toMatchObject({ loads: 12, unloads: 12, crashes: 0 })
  },
  240_000,
)

test('what is asked when the app has ended is refused, and is no defect', async () => {
  const host = await startOwnHost()
  await host.end()
  const log = vi.spyOn(process.stderr, 'write')
  onTestFinished(() => log.mockRestore())
  await expect(host.client.conversations.list()).rejects.toMatchObject({
    message: 'Cannot do that: the app is ending',
  })
  expect(log).not.toHaveBeenCalled()
})

describe('a host that starts again', () => {
  test('finds conversations, pins and settings, and offers what was resident', async () => {
    const dataFolder = newFolder()
    const first = await startHost({ dataFolder })
    await first.untilReady(guide, coder, judge)
    const { id } = await first.client.conversations.create({})
    await ask(first, id, 'My name is Nora.', guide)
    await first.client.models.pin({ id: guide })
    await first.client.models.unload({ id: judge })
    await first.client.settings.set({ threads: 1, idleUnloadMinutes: 90 })
    const expected = await first.client.conversations.get({ id })
    await first.end()

    const second = await startOwnHost({ dataFolder })
    expect(await second.client.conversations.get({ id })).toEqual(expected)
    expect(await second.client.settings.get()).toMatchObject({
      threads: 1,
      idleUnloadMinutes: 90,
      restoreResidents: 'ask',
    })
    const models = await second.client.models.list()
    expect(models.map(({ id, pinned }) => [id, pinned]).sort()).toEqual([
      [coder, false],
      [guide, true],
      [judge, false],
    ])
    const pool = await second.client.pool.get()
    expect(pool.residents).toEqual([])
    expect(pool.lastResidents.map(({ modelId }) => modelId).sort()).toEqual([coder, guide])
    await second.client.pool.restore({ accept: true })
    const restored = await second.untilReady(guide, coder)
    expect(restored.lastResidents).toEqual([])
    expect(restored.residents.map(({ modelId, pinned }) => [modelId, pinned]).sort()).toEqual([
      [coder, false],
      [guide, true],
    ])
    expect((await ask(second, id, 'What is my name?', coder)).text).toContain('Nora')
  }, 60_000)

  test('loses at most the last second of an answer to a kill -9', async () => {
    const dataFolder = newFolder()
    const child = fork(path.join(import.meta.dirname, 'testing-slow-answer.ts'), [dataFolder], {
      execArgv: [],
    })
    const written: { at: number; length: number }[] = []
    child.on('message', (length: number) => {
      written.push({ at: performance.now(), length })
      // Text has streamed for a while; nothing was ended or closed.
      if (written.length === 60) child.kill('SIGKILL')
    })
    await once(child, 'exit')
    const killedAt = written.at(-1)!.at
    const safe = written.filter(({ at }) => at < killedAt - 1000).at(-1)!

    const host = await startOwnHost({ dataFolder })
    const [conversation] = await host.client.conversations.list()
    const { turns } = await host.client.conversations.get({ id: conversation!.id })
    const answer = turns[0]!.answers[0]!
    expect(answer.text.length).toBeGreaterThanOrEqual(safe.length)
    expect(answer.state).toMatchObject({
      kind: 'interrupted',
      problem: { message: 'The app ended while this answer was being written' },
    })
  })
})

async function firstText(events: AsyncIterator<ConversationEvent>): Promise<void> {
  for (;;) {
    const result = await events.next()
    if (result.done === true) throw new Error('The conversation is no longer watched')
    const event = result.value
    if (event.kind === 'text' || (event.kind === 'turn' && chosen(event.turn).text !== '')) return
  }
}
