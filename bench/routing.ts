/**
 * How well the demo router sorts 200 requests that it was not trained on (`routing-requests.ts`), how long a decision takes, and how often models are
 * loaded again when only two of three fit: by Auto's rules, and with every turn sent to the model of its likeliest label.
 * `node bench/routing.ts [--requests 50] [--turns 1000]`: requests of each label; turns of each of ten conversations. Router and times: the real model, one
 * thread on the CPU. Reloads: the real residency and decision over a fake backend, with the probabilities that the
 * demo router has given, and with those of a better one.
 */
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { createFakePool, settle } from '../src/main/core/pool-fixture.ts'
import { decideRoute, type RouteCandidate } from '../src/main/core/router.ts'
import { routerMessages } from '../src/main/core/router-prompt.ts'
import { contextTokens, demoModel, median, openResident, percent } from './measure.ts'
import { requests } from './routing-requests.ts'

const labels = ['chat', 'code', 'math', 'memory'] as const
type Label = (typeof labels)[number]
/** As the demo models' roles have it. */
const modelOf = { chat: 'guide', code: 'coder', math: 'guide', memory: 'guide' } as const
/** Messages that say nothing by themselves. */
const followUps = ['and why?', 'again, please', 'what about this one?', 'more', 'and now?', 'why?']

/** A request, its label, and what the router says of it. */
type Sorted = { readonly text: string; readonly label: Label; readonly probabilities: readonly number[] }

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      requests: { type: 'string', default: '50' },
      turns: { type: 'string', default: '1000' },
    },
  })
  console.log(`${cpus()[0]?.model ?? 'unknown processor'}, one thread`)
  const { sorted, following } = await sort(Number(values.requests))
  report(sorted)
  const turns = Number(values.turns)
  const routers = { 'demo router': { sorted, following }, 'a better router': better() }
  for (const [router, said] of Object.entries(routers))
    for (const changes of [0.1, 0.3])
      for (const strategy of ['naive', 'sticky'] as const)
        await simulate({ router, strategy, changes, ...said, turns })
}

/** What a router might say that sorts nine of ten requests right, is surer of these, and guesses where a message says nothing by itself. */
function better(): { readonly sorted: readonly Sorted[]; readonly following: readonly Sorted[] } {
  const random = createRandom(3)
  const said = (likely: Label, probability: number) =>
    labels.map((label) => (label === likely ? probability : (1 - probability) / 3))
  const any = () => labels[Math.floor(random() * labels.length)] ?? 'chat'
  return {
    sorted: labels.flatMap((label) =>
      requests[label].map((text, at) => {
        const probabilities = at % 10 === 0 ? said(any(), 0.7) : said(label, 0.95)
        return { text, label, probabilities }
      }),
    ),
    following: labels.flatMap((label) =>
      followUps.flatMap((text) => [0, 1, 2].map(() => ({ text, label, probabilities: said(any(), 0.6) }))),
    ),
  }
}

/** Has the router read every request alone, and the follow-ups after a request of each label. */
async function sort(perLabel: number) {
  await using judge = await openResident(demoModel('judge-2.2m-q8_0'))
  const ms: number[] = []
  const ask = async (text: string, path: readonly { text: string; label: string }[] = []) => {
    const messages = routerMessages({
      text,
      labels: labels.map((name) => ({ name })),
      path,
      taught: [],
      contextTokens,
    })
    const startedAt = performance.now()
    const { probabilities } = await judge.choose(null, messages, labels)
    ms.push(performance.now() - startedAt)
    return probabilities
  }
  await ask('Hello')
  ms.length = 0
  const sorted: Sorted[] = []
  for (const label of labels)
    for (const text of requests[label].slice(0, perLabel))
      sorted.push({ text, label, probabilities: await ask(text) })
  const inOrder = ms.toSorted((a, b) => a - b)
  const slow = inOrder[Math.floor(inOrder.length * 0.95)] ?? NaN
  console.log(
    `a decision of the router: median ${median(ms).toFixed(1)} ms, 95 % within ${slow.toFixed(1)} ms`,
  )
  const following: Sorted[] = []
  for (const label of labels)
    for (const text of followUps)
      following.push({
        text,
        label,
        probabilities: await ask(text, [{ text: requests[label][0] ?? '', label }]),
      })
  return { sorted, following }
}

function report(sorted: readonly Sorted[]): void {
  const isRight = (each: Sorted) => likeliest(each) === each.label
  const hasRightModel = (each: Sorted) => modelOf[likeliest(each)] === modelOf[each.label]
  const share = (holds: (each: Sorted) => boolean, of = sorted) =>
    `${String(of.filter(holds).length)} of ${String(of.length)}`
  console.log(`label right: ${share(isRight)}; model of the demo set right: ${share(hasRightModel)}`)
  for (const least of [0.5, 0.9, 0.99]) {
    const sure = sorted.filter(({ probabilities }) => Math.max(...probabilities) >= least)
    console.log(`  where it gives ${percent(least)} or more: label right ${share(isRight, sure)}`)
  }
  console.table(
    Object.fromEntries(
      labels.map((label) => {
        const own = sorted.filter((each) => each.label === label)
        return [
          `is ${label}`,
          Object.fromEntries(
            labels.map((said) => [`said ${said}`, own.filter((each) => likeliest(each) === said).length]),
          ),
        ]
      }),
    ),
  )
}

function likeliest({ probabilities }: Sorted): Label {
  return labels[probabilities.indexOf(Math.max(...probabilities))] ?? 'chat'
}

/** Lets ten conversations be routed in a pool with room for two of three models; how often one was loaded that had been there before. */
async function simulate({
  router,
  strategy,
  changes,
  sorted,
  following,
  turns,
}: {
  readonly router: string
  readonly strategy: 'naive' | 'sticky'
  /** Share of turns that begin another topic; a third of the others are follow-ups. */
  readonly changes: number
  readonly sorted: readonly Sorted[]
  readonly following: readonly Sorted[]
  readonly turns: number
}): Promise<void> {
  const random = createRandom(7)
  const pick = <Item>(items: readonly Item[]): Item => {
    const item = items[Math.floor(random() * items.length)]
    if (item === undefined) throw new Error('There is nothing to pick from')
    return item
  }
  const pool = createFakePool(10, { guide: { bytes: 4 }, coder: { bytes: 4 }, judge: { bytes: 4 } })
  const { residency, backend, clock } = pool
  let loads = 0
  const use = async (modelId: string, keep: readonly string[] = []) => {
    const acquired = residency.acquire(modelId, { keep })
    await settle()
    for (const unload of [...backend.unloads.values()]) unload.finish()
    await settle()
    const load = backend.loads.get(modelId)
    if (load) loads++
    load?.finish()
    const lease = await acquired
    clock.advance(1000)
    lease[Symbol.dispose]()
  }
  let [answers, right] = [0, 0]
  for (let conversation = 0; conversation < 10; conversation++) {
    let label = pick(labels)
    let current = 'guide'
    let previous = null as { readonly label: string | null } | null
    for (let turn = 0; turn < turns; turn++) {
      const isChange = previous === null || random() < changes
      if (isChange) label = pick(labels.filter((each) => turn === 0 || each !== label))
      const isFollowUp = !isChange && random() < 1 / 3
      const said = pick((isFollowUp ? following : sorted).filter((each) => each.label === label))
      const top = likeliest(said)
      // A router that was sent away is not fetched back for a turn: the current model answers.
      const hasRouter = strategy === 'naive' || residency.isResident('judge') || answers === 0
      if (hasRouter) await use('judge')
      if (strategy === 'naive') {
        current = modelOf[top]
        await use(current)
        previous = { label: top }
      } else {
        const route = hasRouter ? decideRoute(factsOf(said, { current, previous, residency })) : null
        current = route?.modelId ?? current
        await use(current, ['judge'])
        previous = { label: route?.label ?? previous?.label ?? null }
      }
      answers++
      if (current === modelOf[label]) right++
    }
  }
  // The first load of each model is none again.
  const reloads = ((loads - 3) * 100) / answers
  console.log(
    `${router}, ${percent(changes)} of turns change the topic, ${strategy}: ${reloads.toFixed(1)} reloads per 100 turns, ` +
      `right model ${percent(right / answers)}`,
  )
}

function factsOf(
  { text, probabilities }: Sorted,
  {
    current,
    previous,
    residency,
  }: {
    readonly current: string
    readonly previous: { readonly label: string | null } | null
    readonly residency: ReturnType<typeof createFakePool>['residency']
  },
) {
  const candidates = ['guide', 'coder'].map((modelId): RouteCandidate => {
    const isResident = residency.isResident(modelId)
    const { verdict } = residency.preview(modelId, {}, { keep: ['judge'] })
    const leaving = verdict.kind === 'evicts' ? verdict.leaving.map(({ name }) => name) : []
    const own = labels.filter((label) => modelOf[label] === modelId)
    const seconds = isResident ? 5 : 15
    return { modelId, name: modelId, labels: own, isResident, seconds, refusal: null, leaving }
  })
  const candidate = candidates.find(({ modelId }) => modelId === current)
  if (!candidate) throw new Error(`"${current}" is no candidate`)
  const said = labels.map((name, at) => ({ name, probability: probabilities[at] ?? 0 }))
  return { text, labels: said, candidates, current: candidate, previous }
}

/** The same numbers on every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

await main()
