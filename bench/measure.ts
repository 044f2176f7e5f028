import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ModelFacts } from '../src/contract/model.ts'
import { startModelProcess } from '../src/main/host/model-process.ts'
import { startNodeChild } from '../src/main/host/node-starter.ts'
import { ResidentModel, type ResidentModelOptions } from '../src/main/host/resident-model.ts'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import { greedy, llamaFile } from '../src/testing/shapes.ts'

/** The program of model processes, as source. */
export const modelProgram = fileURLToPath(new URL('../src/main/model/index.ts', import.meta.url))

/** Context of each conversation in the benchmarks. */
export const contextTokens = 1024

/** Loads a model as the app does, on the CPU with one thread. */
export async function openResident(
  file: string,
  options: Partial<ResidentModelOptions> = {},
): Promise<ResidentModel> {
  const model = new ResidentModel({
    start: startNodeChild,
    program: modelProgram,
    env: { PLENUM_DEVICE: 'cpu' },
    name: path.basename(file),
    path: file,
    facts: await factsOf(file),
    threads: 1,
    gpuLayers: 0,
    contextTokens,
    domains: { host: 'unified', device: 'unified' },
    resize: () => true,
    ...options,
  })
  await model.load()
  return model
}

/** What the header of a file says. */
export async function factsOf(file: string): Promise<ModelFacts> {
  await using probe = startModelProcess({ start: startNodeChild, file: modelProgram, name: 'probe' })
  const inspection = await probe.client.inspect({ paths: [file] })
  if (inspection.kind !== 'model') throw new Error(`"${file}" is no model`)
  return inspection.facts
}

/** The file of a demo model: "guide-2.2m-f16". */
export function demoModel(name: string): string {
  return fileURLToPath(new URL(`../resources/demo-models/demo-${name}.gguf`, import.meta.url))
}

/** Writes a model of about 100 million random weights in the shape of a Llama. It rarely ends an answer by itself. */
export function randomModel(folder: string): string {
  const file = path.join(folder, 'random-100m-f16.gguf')
  const shape = {
    architecture: 'llama',
    layers: 12,
    embedding: 768,
    feedForward: 2048,
    heads: 12,
    kvHeads: 4,
    headLength: 64,
    contextTokens: 2048,
    vocabulary: 16_000,
  }
  writeGgufFile(
    file,
    llamaFile(shape, { data: 'random', weights: 'F16', name: 'Random 100M', extra: greedy }),
  )
  return file
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2
}

/** `median (least to most)` */
export function spread(values: readonly number[]): string {
  return `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`
}

/** `0.971` as "97.1 %". */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
