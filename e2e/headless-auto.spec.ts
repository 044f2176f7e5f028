import { conversationSchema, turnSchema, type Turn } from '../src/contract/conversation.ts'
import { poolSnapshotSchema, type PoolSnapshot } from '../src/contract/memory.ts'
import type { PlenumApp } from './app.ts'
import { expect, test } from './app.ts'
import { demoNames } from './model-files.ts'

// The demo models on chosen examples: this shows that the parts work together. How often Judge is right is measured in bench/routing.ts and
// bench/verdicts.ts.
test('Auto sends a code question to Coder, one about the app to Guide and a sum to Guide; a planted answer fails and is repaired; all three stay in memory', async ({
  app,
}) => {
  const readyModels = async () =>
    (await readPool(app)).residents
      .filter(({ state }) => state === 'ready')
      .map(({ name }) => name)
      .toSorted()
  await expect.poll(readyModels, { timeout: 40_000 }).toEqual(demoNames.toSorted())
  const { id } = conversationSchema.parse(await send(app, '/conversations', { asking: { isAuto: true } }))
  const pools = watchPool(app)
  const ask = async (text: string) =>
    turnSchema.parse(await send(app, `/conversations/${id}/turns`, { text, sampling: { temperature: 0 } }))

  const about = await ask('What is quantization?')
  const sum = await ask('How much is 9 minus 4?')
  const code = await ask('Write a function that adds two numbers.')
  expect([about, sum, code].map(described)).toEqual([
    ['Guide', 'memory', expect.stringContaining('Quantization stores weights with fewer bits')],
    ['Guide', 'math', '9 minus 4 is 5.'],
    ['Coder', 'code', expect.stringContaining('return a + b;')],
  ])
  for (const { answers } of [about, sum, code]) {
    const { routing } = answers[0]!
    expect(routing).toMatchObject({ kind: 'routed', routerName: 'Judge' })
    expect(routing?.labels.map(({ name }) => name).toSorted()).toEqual(['chat', 'code', 'math', 'memory'])
    expect(routing?.alternatives.map(({ name }) => name).toSorted()).toEqual(['Coder', 'Guide'])
  }

  // An answer to another question is put in the place of Coder's.
  const right = code.answers[0]!
  await send(app, `/answers/${right.id}`, { text: '7 times 8 is 56.' }, 'PATCH')
  await send(app, `/answers/${right.id}/check`, {})
  const last = async () => {
    const response = await app.rest(`/conversations/${id}`)
    return conversationSchema.parse(await response.json()).turns.at(-1)!
  }
  await expect
    .poll(async () => (await last()).answers.map(({ verification }) => verification?.outcome.kind))
    .toEqual(['fail', 'pass'])
  const { answers, chosenAnswerId } = await last()
  expect(answers).toMatchObject([
    { id: right.id, text: '7 times 8 is 56.', verification: { repairAnswerId: answers[1]?.id } },
    { modelName: 'Coder', repairsAnswerId: right.id },
  ])
  expect(answers[1]?.text).toBe(right.text)
  expect(chosenAnswerId).toBe(answers[1]?.id)

  const seen = await pools.end()
  expect(seen.length).toBeGreaterThan(5)
  for (const { residents, counters } of seen) {
    expect(residents.map(({ name }) => name).toSorted()).toEqual(demoNames.toSorted())
    expect(counters).toMatchObject({ loads: 3, unloads: 0, evictions: 0, crashes: 0 })
    for (const { contexts, kvBudgetBytes } of residents)
      expect(contexts.reduce((bytes, { kvBytes }) => bytes + kvBytes, 0)).toBeLessThanOrEqual(kvBudgetBytes)
  }
})

/** Who answered, under which label, and what. */
function described({ answers: [answer] }: Turn): unknown[] {
  return [answer?.modelName, answer?.routing?.label, answer?.text]
}

async function send(app: PlenumApp, path: string, body: unknown, method = 'POST'): Promise<unknown> {
  const response = await app.rest(path, { method, body: JSON.stringify(body) })
  expect(response.status, `${method} ${path}`).toBe(200)
  return response.json()
}

/** Asks for the pool ten times a second, until `end`. */
function watchPool(app: PlenumApp): { end(): Promise<readonly PoolSnapshot[]> } {
  const seen: PoolSnapshot[] = []
  const over = new AbortController()
  const watching = (async () => {
    while (!over.signal.aborted) {
      seen.push(await readPool(app))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  })()
  return {
    async end() {
      over.abort()
      await watching
      return seen
    },
  }
}

async function readPool(app: PlenumApp): Promise<PoolSnapshot> {
  return poolSnapshotSchema.parse(await (await app.rest('/pool')).json())
}
