import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AppError } from '../../contract/errors.ts'
import type { ModelProcess } from './model-process.ts'
import { startModelProcess } from './model-process.ts'
import { startNodeChild } from './node-starter.ts'

const program = fileURLToPath(new URL('../model/index.ts', import.meta.url))
const demo = fileURLToPath(
  new URL('../../../resources/demo-models/demo-judge-2.2m-q8_0.gguf', import.meta.url),
)
const state = { folder: '' }

beforeAll(async () => {
  state.folder = await mkdtemp(path.join(tmpdir(), 'plenum-model-process-'))
})
afterAll(async () => rm(state.folder, { recursive: true }))

function start(file = program): ModelProcess {
  return startModelProcess({ start: startNodeChild, file, name: 'Judge', env: { PLENUM_DEVICE: 'cpu' } })
}

/** A child program for one test. */
async function programOf(name: string, source: string): Promise<string> {
  const file = path.join(state.folder, `${name}.mjs`)
  await writeFile(file, source)
  return file
}

async function exitOf(child: ModelProcess): Promise<AppError | null> {
  return new Promise((resolve) => child.onExit(resolve))
}

test('errors cross the channel with their code, message and details, and the process lives on', async () => {
  await using child = start()
  await expect(child.client.tokenize({ text: 'x' })).rejects.toMatchObject({
    name: 'AppError',
    code: 'BAD_INPUT',
  })
  const gone = child.client
    .load({ path: '/nowhere/x.gguf', threads: 1, gpuLayers: null })
    .then(async (events) => events.next())
  await expect(gone).rejects.toMatchObject({
    name: 'AppError',
    code: 'NOT_FOUND',
    details: { path: '/nowhere/x.gguf', help: 'The file was moved or deleted' },
  })
  // Not what the contract asks for, on purpose.
  const wrong = child.client.tokenize({ text: 5 } as never)
  await expect(wrong).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringContaining('"text"') as string,
  })
  expect(await child.client.usage()).toMatchObject({ deviceBytes: 0 })
})

test('a process that ends by itself is a crash that names its code and its last words', async () => {
  const file = await programOf(
    'dies',
    "console.error('loading'); console.error('GGML_ASSERT(x) failed'); process.exit(3)",
  )
  const child = start(file)
  const message = 'The process of "Judge" ended by itself: exit code 3, last words "GGML_ASSERT(x) failed"'
  await expect(child.client.usage()).rejects.toMatchObject({ code: 'MODEL_CRASHED', message })
  expect(await exitOf(child)).toMatchObject({ code: 'MODEL_CRASHED', message })
  await expect(child.client.usage()).rejects.toMatchObject({ code: 'MODEL_CRASHED', message })
})

test('a program that is not there is a crash too', async () => {
  const child = start(path.join(state.folder, 'none.mjs'))
  await expect(child.client.usage()).rejects.toMatchObject({ code: 'MODEL_CRASHED' })
})

test('a process that was ended on purpose has not crashed', async () => {
  const child = start()
  await child.client.usage()
  const pending = child.client.load({ path: demo, threads: 1, gpuLayers: null })
  const exit = exitOf(child)
  await Promise.all([
    child[Symbol.asyncDispose](),
    expect(pending).rejects.toMatchObject({ code: 'MODEL_FAILED' }),
  ])
  expect(await exit).toBeNull()
  await expect(child.client.usage()).rejects.toMatchObject({ code: 'MODEL_FAILED' })
  await child[Symbol.asyncDispose]()
})

test('every event that a child sent before it died is delivered before the error', async () => {
  // As the server writes them: the head of a stream, then its events.
  const file = await programOf(
    'streams',
    `process.on('message', (text) => {
      const { i } = JSON.parse(text)
      process.send(JSON.stringify({ i, p: { h: { 'content-type': 'text/event-stream' } } }))
      for (let n = 1; n <= 500; n++)
        process.send(JSON.stringify({ i, t: 3, p: { e: 'message', d: { json: { kind: 'progress', loadedBytes: n } } } }), () => {
          if (n === 500) process.kill(process.pid, 'SIGKILL')
        })
    })`,
  )
  const child = start(file)
  const seen: number[] = []
  const reading = (async () => {
    for await (const event of await child.client.load({ path: demo, threads: 1, gpuLayers: null })) {
      if (event.kind === 'progress') seen.push(event.loadedBytes)
      // A reader that is slower than the child.
      await new Promise((resolve) => setImmediate(resolve))
    }
  })()
  await expect(reading).rejects.toMatchObject({ code: 'MODEL_CRASHED' })
  expect(seen).toEqual(Array.from({ length: 500 }, (_, index) => index + 1))
})

test('a cancelled call rejects with the reason of its signal', async () => {
  await using child = start()
  const controller = new AbortController()
  const call = child.client.usage(undefined, { signal: controller.signal })
  controller.abort('changed my mind')
  await expect(call).rejects.toBe('changed my mind')
  expect(await child.client.usage()).toMatchObject({ deviceBytes: 0 })
})

test('a model process ends when the one who started it is gone', async () => {
  const file = await programOf(
    'parent',
    `import { fork } from 'node:child_process'
    const child = fork(${JSON.stringify(program)}, [], { serialization: 'advanced', stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
    child.once('spawn', () => {
      process.send(child.pid)
      setInterval(() => undefined, 1000)
    })`,
  )
  const parent = startNodeChild({ file })
  const processId = await new Promise<number>((resolve) =>
    parent.onMessage((message) => resolve(Number(message))),
  )
  parent.kill()
  await expect
    .poll(
      () => {
        try {
          return process.kill(processId, 0)
        } catch {
          return false
        }
      },
      { timeout: 20_000 },
    )
    .toBe(false)
})

/** A child that answers every call as a stream whose only event is one sign of life, and goes on with `then`. */
async function programThat(name: string, then: string): Promise<string> {
  return programOf(
    name,
    `process.on('message', (text) => {
      const { i } = JSON.parse(text)
      const send = (p, t) => process.send(JSON.stringify({ i, ...(t && { t }), p }))
      send({ h: { 'content-type': 'text/event-stream' } })
      const beat = () => send({ e: 'message', d: { json: { uptimeMs: 1 } } }, 3)
      beat()
      ${then}
    })`,
  )
}

const impatient = { silenceMs: 300, silenceAfterStopMs: 90, stopMs: 500 }

test('a watched process that falls silent is ended, and its calls reject with why', async () => {
  const file = await programThat('silent', 'setTimeout(() => { for (;;); }, 100)')
  const child = startModelProcess({
    ...{ start: startNodeChild, file, name: 'Judge' },
    patience: { ...impatient, silenceMs: 3000 },
  })
  const events = await child.client.pulse()
  using _watch = child.watch()
  await events.next()
  const message =
    '"Judge" stopped responding: it gave no sign of life for 3 seconds, so its process was ended'
  await expect(events.next()).rejects.toMatchObject({ code: 'MODEL_CRASHED', message })
  expect(await exitOf(child)).toMatchObject({ code: 'MODEL_CRASHED', message })
})

test('a process that lives but does not stop is ended, and one that is not asked to is left alone', async () => {
  const file = await programThat('deaf', 'setInterval(beat, 10)')
  const options = { start: startNodeChild, file, name: 'Judge', patience: impatient }
  await using working = startModelProcess(options)
  const child = startModelProcess(options)
  // Both have started before the clock runs.
  await Promise.all([(await working.client.pulse()).next(), (await child.client.pulse()).next()])
  const stop = new AbortController()
  using _working = working.watch()
  using _watch = child.watch(stop.signal)
  stop.abort()
  expect(await exitOf(child)).toMatchObject({
    message: '"Judge" stopped responding: it did not stop within 1 seconds, so its process was ended',
  })
  expect(await (await working.client.pulse()).next()).toMatchObject({ done: false })
})
