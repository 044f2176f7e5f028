import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { Turn } from '../../contract/conversation.ts'
import type { Footprint, PoolSnapshot } from '../../contract/memory.ts'
import { writeGgufFile } from '../../testing/gguf-file.ts'
import { llamaFile } from '../../testing/shapes.ts'
import { startModelProcess } from './model-process.ts'
import { startNodeChild } from './node-starter.ts'
import { startTestHost } from './testing-host.ts'

// The tests of the GPU path, on the first Vulkan device there is: Debian's mesa-vulkan-drivers have one that is made of software, which
// llama.cpp takes only when it is named.
vi.stubEnv('GGML_VK_VISIBLE_DEVICES', '0')

type Difference = { readonly common: string; readonly likelihoods: readonly number[] }

const root = path.resolve(import.meta.dirname, '../../..')
const modelProgram = path.join(root, 'src/main/model/index.ts')
const guideFile = path.join(root, 'resources/demo-models/demo-guide-2.2m-f16.gguf')
const questions = ['Who are you?', 'How do I pin a model?', 'What is a KV cache?']
const reason = await missing()

/** Why the tests cannot run here; null: they can. */
async function missing(): Promise<string | null> {
  await using child = startModelProcess({ start: startNodeChild, file: modelProgram, name: 'device' })
  const device = await child.client.device().catch(() => ({ name: 'no device', isUnified: true }))
  return device.name.startsWith('Vulkan') && !device.isUnified
    ? null
    : `needs a Vulkan device with memory of its own, and here is "${device.name}"`
}

/** A host that knows one model and has loaded none. */
async function startHost(file: string, device: 'auto' | 'cpu') {
  const dataFolder = mkdtempSync(path.join(tmpdir(), 'plenum-vulkan-'))
  const { host, client } = await startTestHost(dataFolder, { demoFolder: dataFolder, device })
  onTestFinished(async () => {
    await host[Symbol.asyncDispose]()
    rmSync(dataFolder, { recursive: true, force: true })
  })
  const [added] = await client.models.add({ path: file })
  if (added?.kind !== 'added') throw new Error(`"${file}" was not added`)
  return { client, id: added.model.id }
}

function inDomain(footprint: Footprint, domain: string): Record<string, number> {
  return Object.fromEntries(
    footprint.filter((each) => each.domain === domain).map((each) => [each.part, each.bytes]),
  )
}

function expectSums({ domains, residents }: PoolSnapshot): void {
  for (const domain of domains) {
    const held = residents.flatMap(({ footprint }) => footprint).filter((part) => part.domain === domain.id)
    expect(held.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(domain.usedBytes)
    expect(domain.reserveBytes + domain.otherBytes + domain.usedBytes + domain.freeBytes).toBe(
      domain.totalBytes,
    )
  }
}

test('an offloaded model has a block in the card’s memory, as large as predicted', async ({ skip }) => {
  skip(reason !== null, reason ?? '')
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-vulkan-file-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'shape.gguf')
  const shape = {
    architecture: 'llama',
    embedding: 512,
    feedForward: 1536,
    heads: 8,
    kvHeads: 4,
    headLength: 64,
  }
  writeGgufFile(
    file,
    llamaFile(
      { ...shape, contextTokens: 4096, vocabulary: 8000, layers: 8 },
      { data: 'random', weights: 'F16' },
    ),
  )
  const { client, id } = await startHost(file, 'auto')
  for (const [gpuLayers, onCard] of [
    [undefined, 9],
    [3, 3],
    [0, 0],
  ] as const) {
    const options = { contextTokens: 4096, ...(gpuLayers !== undefined && { gpuLayers }) }
    await client.models.load({ id, options })
    const pool = await client.pool.get()
    const [resident] = pool.residents
    expect([pool.kind, pool.domains.map((domain) => domain.id), resident?.loadedWith?.gpuLayers]).toEqual([
      'split',
      ['vram', 'ram'],
      onCard,
    ])
    expect(pool.device).toMatch(/^Vulkan: /)
    expectSums(pool)
    const measured = inDomain(resident!.footprint, 'vram')
    const predicted = inDomain(resident!.predicted, 'vram')
    // Weights and KV cache to the byte (weights but for their alignment), buffers as far as a dry run on the CPU can tell.
    expect(measured['weights'] ?? 0).toBeCloseTo(predicted['weights'] ?? 0, -5)
    expect(measured['kvCache'] ?? 0).toBe(predicted['kvCache'] ?? 0)
    expect(Math.abs(measured['compute']! / predicted['compute']! - 1)).toBeLessThan(0.15)
    const inRam = inDomain(resident!.footprint, 'ram')
    expect(inRam['kvCache'] ?? 0).toBe(inDomain(resident!.predicted, 'ram')['kvCache'] ?? 0)
    expect(inRam['weights']).toBeGreaterThan(0)
    await client.models.unload({ id })
    expect((await client.pool.get()).domains.map(({ usedBytes }) => usedBytes)).toEqual([0, 0])
  }
}, 120_000)

test('the offloaded model answers as on the CPU, or first differs where two tokens are about as likely', async ({
  skip,
}) => {
  skip(reason !== null, reason ?? '')
  const onCard = await answersOn('auto')
  const onCpu = await answersOn('cpu')
  expect(onCard.every((text) => text.length > 10)).toBe(true)
  for (const [index, question] of questions.entries()) {
    const [one, other] = [onCard[index]!, onCpu[index]!]
    if (one === other) continue
    const tie = await firstDifference(question, [one, other])
    console.log(`"${question}" differs after "${tie.common}": ${tie.likelihoods.join(' against ')}`)
    expect(Math.min(...tie.likelihoods) / Math.max(...tie.likelihoods)).toBeGreaterThan(0.8)
  }
}, 120_000)

async function answersOn(device: 'auto' | 'cpu'): Promise<string[]> {
  const { client, id } = await startHost(guideFile, device)
  await client.models.load({ id, options: { contextTokens: 1024 } })
  const texts: string[] = []
  for (const text of questions) {
    const { id: conversation } = await client.conversations.create({})
    const turn = (await client.turns.ask({ id: conversation, text, modelId: id })) as Turn
    expect(turn.answers[0]?.state).toMatchObject({ kind: 'done' })
    texts.push(turn.answers[0]!.text)
  }
  await client.models.unload({ id })
  return texts
}

/** Where two answers part, and how likely the CPU takes the next token of each to be: worked out by a program of the model's side. */
async function firstDifference(question: string, answers: readonly [string, string]): Promise<Difference> {
  const program = path.join(root, 'src/main/model/testing-first-difference.ts')
  const child = fork(program, [guideFile, question, ...answers], { execArgv: [] })
  const [difference] = (await once(child, 'message')) as [Difference]
  await once(child, 'exit')
  return difference
}
