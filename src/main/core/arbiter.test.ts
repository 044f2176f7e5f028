import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arbiter, backgroundShareMs, mostOvertakes } from './arbiter.ts'
import { FakeClock, settle } from './pool-fixture.ts'

/** Somebody who wants to decode. A background one stands still when the test says so. */
class Asker {
  readonly name: string
  readonly isBackground: boolean
  readonly runsBeside: boolean
  readonly reasons: string[] = []
  readonly controller = new AbortController()
  state: 'waiting' | 'decoding' | 'pausing' | 'paused' | 'ended' = 'waiting'
  error: unknown = null
  /** Its model was told to stand still and not yet to go on. */
  isStill = false
  readonly #pauses: PromiseWithResolvers<undefined>[] = []
  #turn: Disposable | null = null
  #hasEnded = false

  constructor(
    arbiter: Arbiter,
    name: string,
    {
      isBackground = false,
      runsBeside = false,
      onlyWhenIdle = false,
      onStart = () => undefined,
    }: {
      isBackground?: boolean
      runsBeside?: boolean
      onlyWhenIdle?: boolean
      onStart?: (asker: Asker) => void
    } = {},
  ) {
    this.name = name
    this.isBackground = isBackground
    this.runsBeside = runsBeside
    const background = {
      pause: async () => {
        this.state = 'pausing'
        this.isStill = true
        const still = Promise.withResolvers<undefined>()
        this.#pauses.push(still)
        await still.promise
        if (!this.#hasEnded) this.state = 'paused'
      },
      resume: () => {
        this.isStill = false
        if (this.#hasEnded) return
        expect(this.state).toBe('paused')
        this.state = 'decoding'
        onStart(this)
      },
    }
    arbiter
      .enter({
        ...{ modelId: name, name, runsBeside, onlyWhenIdle, signal: this.controller.signal },
        ...(isBackground && { background }),
        onWait: (reason) => this.reasons.push(reason),
      })
      .then(
        (turn) => {
          this.#turn = turn
          if (this.#hasEnded) turn[Symbol.dispose]()
          this.state = 'decoding'
          onStart(this)
        },
        (error: unknown) => {
          this.state = 'ended'
          this.error = error
        },
      )
  }

  standStill(): void {
    for (const still of this.#pauses.splice(0)) still.resolve(undefined)
  }

  end(): void {
    this.#hasEnded = true
    this.state = 'ended'
    this.#turn?.[Symbol.dispose]()
  }
}

function newArbiter() {
  const clock = new FakeClock()
  const arbiter = new Arbiter(clock)
  const ask = (name: string, options: ConstructorParameters<typeof Asker>[2] = {}) =>
    new Asker(arbiter, name, options)
  return { clock, arbiter, ask }
}

test('lets one model decode at a time, and says where in line the others are', async () => {
  const { ask } = newArbiter()
  const [coder, guide, judge, again] = [ask('Coder'), ask('Guide'), ask('Judge'), ask('Coder')]
  await settle()
  expect([coder, guide, judge, again].map(({ state }) => state)).toEqual([
    ...['decoding', 'waiting', 'waiting', 'waiting'],
  ])
  coder.end()
  await settle()
  expect(guide.state).toBe('decoding')
  expect([coder, guide, judge, again].map(({ reasons }) => reasons)).toEqual([
    [],
    ['Next in line behind "Coder"'],
    ['2nd in line behind "Coder"', 'Next in line behind "Guide"'],
    ['3rd in line behind another answer of "Coder"', '2nd in line behind "Guide"'],
  ])
})

test('a cancelled turn leaves the line at once, and those behind it move up', async () => {
  const { ask } = newArbiter()
  const [coder, guide, judge] = [ask('Coder'), ask('Guide'), ask('Judge')]
  guide.controller.abort('no longer wanted')
  await settle()
  expect(guide).toMatchObject({ state: 'ended', error: 'no longer wanted' })
  expect(judge.reasons.at(-1)).toBe('Next in line behind "Coder"')
  coder.end()
  await settle()
  expect(judge.state).toBe('decoding')
})

test('one that comes with an aborted signal never enters', async () => {
  const { arbiter, ask } = newArbiter()
  const controller = new AbortController()
  controller.abort('gone')
  const { signal } = controller
  const entering = arbiter.enter({ modelId: 'a', name: 'a', runsBeside: false, signal })
  await expect(entering).rejects.toBe('gone')
  const next = ask('b')
  await settle()
  expect(next.state).toBe('decoding')
})

test('a model without throttle decodes beside others, and each model writes one answer at a time', async () => {
  const { ask } = newArbiter()
  const coder = ask('Coder')
  const draft = ask('Draft', { runsBeside: true })
  const second = ask('Draft', { runsBeside: true })
  const guide = ask('Guide')
  await settle()
  expect([coder, draft, second, guide].map(({ state }) => state)).toEqual([
    ...['decoding', 'decoding', 'waiting', 'waiting'],
  ])
  expect(second.reasons).toEqual(['Next in line behind another answer of "Draft"'])
  draft.end()
  await settle()
  expect([second.state, guide.state]).toEqual(['decoding', 'waiting'])
})

test('background work makes way at a token boundary and goes on later', async () => {
  const { ask } = newArbiter()
  const background = ask('Judge', { isBackground: true })
  await settle()
  const answer = ask('Coder')
  await settle()
  expect([background.state, answer.state]).toEqual(['pausing', 'waiting'])
  background.standStill()
  await settle()
  expect([background.state, answer.state]).toEqual(['paused', 'decoding'])
  expect(background.reasons).toEqual(['Next in line behind "Coder"'])
  answer.end()
  await settle()
  expect(background.state).toBe('decoding')
})

test('background work that ends instead of standing still gives its place', async () => {
  const { ask } = newArbiter()
  const background = ask('Judge', { isBackground: true })
  await settle()
  const answer = ask('Coder')
  background.end()
  await settle()
  expect(answer.state).toBe('decoding')
})

test('background work that ends while it stands still leaves its model free to go on', async () => {
  const { ask } = newArbiter()
  for (const standsStill of [true, false]) {
    const background = ask('Judge', { isBackground: true })
    await settle()
    const answer = ask('Coder')
    if (standsStill) background.standStill()
    await settle()
    expect([background.isStill, background.state]).toEqual([true, standsStill ? 'paused' : 'pausing'])
    background.end()
    expect(background.isStill).toBe(false)
    background.standStill()
    await settle()
    expect(answer.state).toBe('decoding')
    answer.end()
  }
})

test('when the answer it stood still for is cancelled, background work goes on', async () => {
  const { ask } = newArbiter()
  const background = ask('Judge', { isBackground: true })
  await settle()
  const answer = ask('Coder')
  answer.controller.abort('stopped')
  background.standStill()
  await settle()
  expect(background.state).toBe('decoding')
})

test('background work has its share between answers, and goes on undisturbed for a while then', async () => {
  const { ask, clock } = newArbiter()
  const answers = [ask('Coder')]
  const background = ask('Judge', { isBackground: true })
  for (let count = 0; count < mostOvertakes + 2; count++) answers.push(ask('Coder'))
  await settle()
  for (let count = 0; count <= mostOvertakes; count++) {
    expect([count, background.state]).toEqual([count, 'waiting'])
    answers.shift()?.end()
    await settle()
  }
  expect([background.state, answers[0]?.state]).toEqual(['decoding', 'waiting'])
  clock.advance(backgroundShareMs - 1)
  expect(background.state).toBe('decoding')
  clock.advance(1)
  expect(background.state).toBe('pausing')
  background.standStill()
  await settle()
  expect([background.state, answers[0]?.state]).toEqual(['paused', 'decoding'])
  background.end()
  answers.shift()?.end()
  answers.shift()?.end()
  expect(clock.pendingTimers).toBe(0)
})

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      model: fc.constantFrom('a', 'b', 'c', 'beside'),
      isBackground: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('standStill' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(3000) }) },
)

test('whatever happens, nobody decodes who may not, everybody is served in bounded order, and background work has its share', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { ask, clock } = newArbiter()
      const askers: Asker[] = []
      /** Answers that began since each background work has waited in vain. */
      const overtakes = new Map<Asker, number>()
      const onStart = (started: Asker) => {
        // 1. Answers of models with a throttle begin in the order in which they were asked for.
        if (!started.isBackground && !started.runsBeside) {
          const earlier = askers.slice(0, askers.indexOf(started))
          expect(
            earlier.some(
              (e) =>
                e.state === 'waiting' && !e.isBackground && !e.runsBeside && !e.controller.signal.aborted,
            ),
          ).toBe(false)
        }
        // 2. The background work that is first in line is overtaken so often and no more.
        if (started.isBackground) overtakes.clear()
        else {
          const waiting = askers.filter(
            (e) => e.isBackground && (e.state === 'waiting' || e.state === 'paused'),
          )
          for (const each of waiting) overtakes.set(each, (overtakes.get(each) ?? 0) + 1)
          if (!started.runsBeside)
            expect(Math.max(0, ...waiting.map((e) => overtakes.get(e) ?? 0))).toBeLessThanOrEqual(
              mostOvertakes,
            )
        }
      }
      const check = () => {
        const decoding = askers.filter(({ state }) => state === 'decoding' || state === 'pausing')
        expect(decoding.filter(({ runsBeside }) => !runsBeside).length).toBeLessThanOrEqual(1)
        expect(new Set(decoding.map(({ name }) => name)).size).toBe(decoding.length)
        // A model whose answer has ended goes on: its next one must not find it standing still.
        expect(askers.filter(({ state, isStill }) => state === 'ended' && isStill)).toEqual([])
        // Always progress: nobody waits while nobody decodes.
        const isWaiting = askers.some(({ state }) => state === 'waiting' || state === 'paused')
        expect(isWaiting && decoding.length === 0).toBe(false)
      }
      for (const action of steps) {
        const open = askers.filter(({ state }) => state !== 'ended')
        switch (action.do) {
          case 'ask':
            askers.push(
              ask(action.model, {
                ...{ isBackground: action.isBackground, runsBeside: action.model === 'beside', onStart },
              }),
            )
            break
          case 'end': {
            const decoding = open.filter(({ state }) => state !== 'waiting')
            decoding[action.which % Math.max(1, decoding.length)]?.end()
            break
          }
          case 'standStill':
            for (const each of askers) each.standStill()
            break
          case 'abort': {
            const waiting = open.filter(({ state }) => state === 'waiting')
            waiting[action.which % Math.max(1, waiting.length)]?.controller.abort('aborted')
            break
          }
          case 'pass':
            clock.advance(action.ms)
            break
        }
        await settle()
        check()
      }
      // Whoever waits comes to his turn when those before him end.
      for (let round = 0; round < askers.length + 2; round++) {
        for (const each of askers) each.standStill()
        await settle()
        askers.find(({ state }) => state === 'decoding')?.end()
        await settle()
        clock.advance(backgroundShareMs)
        await settle()
        check()
      }
      while (askers.some(({ state }) => state === 'decoding' || state === 'pausing')) {
        for (const each of askers.filter(({ state }) => state === 'decoding' || state === 'pausing'))
          each.end()
        await settle()
      }
      expect(askers.filter(({ state }) => state !== 'ended')).toEqual([])
      expect(clock.pendingTimers).toBe(0)
    }),
    { numRuns: 300 },
  )
})

test('what is done only when nobody decodes makes way for background work too, goes last and has no share', async () => {
  const { ask, arbiter } = newArbiter()
  expect(arbiter.isIdle).toBe(true)
  const leisure = ask('Guide', { isBackground: true, onlyWhenIdle: true })
  await settle()
  expect([leisure.state, arbiter.isIdle]).toEqual(['decoding', false])
  const background = ask('Judge', { isBackground: true })
  await settle()
  expect([leisure.state, background.state]).toEqual(['pausing', 'waiting'])
  leisure.standStill()
  await settle()
  expect([leisure.state, background.state]).toEqual(['paused', 'decoding'])
  background.end()
  await settle()
  expect(leisure.state).toBe('decoding')
  // However many answers there are.
  let answer = ask('Coder')
  leisure.standStill()
  for (let count = 0; count <= 2 * mostOvertakes; count++) {
    const next = ask('Coder')
    await settle()
    expect([answer.state, leisure.state]).toEqual(['decoding', 'paused'])
    answer.end()
    answer = next
  }
  answer.end()
  await settle()
  expect(leisure.state).toBe('decoding')
  leisure.end()
  expect(arbiter.isIdle).toBe(true)
})

test('tells each time that the last one has left', async () => {
  const { ask, arbiter } = newArbiter()
  let told = 0
  const unsubscribe = arbiter.onIdle(() => told++)
  const [first, second] = [ask('Coder'), ask('Guide')]
  await settle()
  first.end()
  expect(told).toBe(0)
  await settle()
  second.end()
  expect(told).toBe(1)
  unsubscribe()
  const third = ask('Coder')
  await settle()
  third.end()
  expect(told).toBe(1)
})
