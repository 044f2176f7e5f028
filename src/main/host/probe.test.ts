import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { AppError } from '../../contract/errors.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { hostileFiles } from '../../testing/hostile-files.ts'
import { gemma3File, llama70bShape, llamaFile } from '../../testing/shapes.ts'
import { startNodeChild } from './node-starter.ts'
import { createProbe, type ProbeOptions } from './probe.ts'
import type { ChildChannel } from './starter.ts'

const demoModel = path.resolve(import.meta.dirname, '../../../resources/demo-models/demo-guide-2.2m-f16.gguf')
const folder = mkdtempSync(path.join(tmpdir(), 'plenum-probe-'))
const children: ChildChannel[] = []
const base: ProbeOptions = {
  start: (options) => {
    const child = startNodeChild(options)
    children.push(child)
    return child
  },
  file: path.resolve(import.meta.dirname, '../model/index.ts'),
  env: { PLENUM_DEVICE: 'cpu' },
}
// A little less than in the app: some files take all the processor time that they are given, which on a busy machine lasts.
const probe = createProbe({ ...base, limitMs: 6000 })
afterAll(async () => {
  await probe[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const files = hostileFiles()
const gigabyte = 2 ** 30

describe('Probe', () => {
  it('has many hostile files to refuse', () => {
    expect(files.length).toBeGreaterThan(100)
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length)
  })

  it.each(files)('refuses $name', { timeout: 60_000 }, async ({ create, says }) => {
    const paths = await create(folder)
    if (paths === null) return
    const error: unknown = await probe.inspect(paths).then(
      (inspection) => inspection,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(AppError)
    const { code, message, details } = error as AppError
    expect(['BAD_MODEL_FILE', 'NOT_FOUND']).toContain(code)
    expect(message).toMatch(/^Cannot read "/)
    expect(message).toMatch(says)
    expect(details).toEqual({ path: expect.any(String) as string, help: expect.any(String) as string })
    for (const peakBytes of children.map(peakBytesOf)) expect(peakBytes).toBeLessThan(gigabyte)
  })

  it('still reads a sound model', async () => {
    expect(await probe.inspect([demoModel])).toMatchObject({ kind: 'model', facts: { title: 'Demo Guide' } })
  })

  it('reads a model of 70 billion parameters and one of 262,144 tokens with little memory', async () => {
    await using other = createProbe(base)
    const big = [
      [llamaFile(llama70bShape, { weights: 'Q4_K', vocabulary: 1000 }), 70_553_706_496 - 2 * 8192 * 127_256],
      [gemma3File({ weights: 'Q4_0' }), 27_009_002_240],
    ] as const
    for (const [file, parameters] of big) {
      const place = path.join(folder, 'big.gguf')
      writeGgufFile(place, file)
      expect(await other.inspect([place])).toMatchObject({ kind: 'model', facts: { parameters } })
    }
    expect(peakBytesOf(children.at(-1)!)).toBeLessThan(gigabyte / 2)
  })

  it('reads many at once, one after the other, with one child', async () => {
    await using other = createProbe(base)
    const before = children.length
    const inspections = await Promise.all(
      [demoModel, demoModel, demoModel].map((file) => other.inspect([file])),
    )
    expect(inspections.map(({ kind }) => kind)).toEqual(['model', 'model', 'model'])
    expect(children.length - before).toBe(1)
  })

  it('does not blame a file for a child that was killed while it read others', async () => {
    await using other = createProbe(base)
    await other.inspect([demoModel])
    const reading = other.inspect([demoModel])
    children.at(-1)?.kill()
    expect(await reading).toMatchObject({ kind: 'model' })
  })

  it('gives up when it is told to, and works on', async () => {
    await using other = createProbe(base)
    const controller = new AbortController()
    const reading = other.inspect([demoModel], { signal: controller.signal })
    const reason = new Error('not wanted any more')
    controller.abort(reason)
    await expect(reading).rejects.toBe(reason)
    expect(await other.inspect([demoModel])).toMatchObject({ kind: 'model' })
  })

  it('ends its child when nothing is asked of it', async () => {
    await using other = createProbe({ ...base, idleMs: 1 })
    await other.inspect([demoModel])
    const child = children.at(-1)
    await new Promise((resolve) => child?.onExit(resolve))
    expect(await other.inspect([demoModel])).toMatchObject({ kind: 'model' })
  })

  it.runIf(process.platform === 'linux')(
    'takes a child that is stuck in a file along when the host is killed',
    { timeout: 20_000 },
    async () => {
      const endless = files.find(({ name }) => name === 'a chat template that never ends')
      const [file = ''] = (await endless?.create(folder)) ?? []
      const host = spawn(process.execPath, ['--input-type=module', '-e', stuckHost, base.file, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const [output] = (await once(host.stdout, 'data')) as [Buffer]
      const childId = Number(output.toString())
      host.kill('SIGKILL')
      await once(host, 'exit')
      await expect.poll(() => isRunning(childId), { timeout: 10_000 }).toBe(false)
    },
  )

  it('says what computes', async () => {
    await using other = createProbe(base)
    const { runtimeBytes, ...device } = await other.device()
    expect(device).toEqual({ name: 'CPU', totalBytes: 0, isUnified: true })
    expect(runtimeBytes).toBeGreaterThan(20 * 2 ** 20)
    expect(runtimeBytes).toBeLessThan(200 * 2 ** 20)
  })
})

/** A host of its own: it tells the id of its probe's child when that is in the middle of a file. */
const stuckHost = `
  const { createProbe } = await import(${JSON.stringify(path.resolve(import.meta.dirname, 'probe.ts'))})
  const { startNodeChild } = await import(${JSON.stringify(path.resolve(import.meta.dirname, 'node-starter.ts'))})
  const [, program, file] = process.argv
  const children = []
  const start = (options) => (children.push(startNodeChild(options)), children.at(-1))
  const probe = createProbe({ start, file: program, env: { PLENUM_DEVICE: 'cpu' }, limitMs: 60_000 })
  void probe.inspect([file])
  setTimeout(() => console.log(children[0].processId), 3000)
`

function isRunning(processId: number): boolean {
  try {
    // What has ended stays in the table until somebody asks for its exit code.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${String(processId)}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** The most memory that a child has ever held, as Linux tells while it runs; 0 where it is unknown. */
function peakBytesOf({ processId }: ChildChannel): number {
  try {
    const status = readFileSync(`/proc/${String(processId)}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
