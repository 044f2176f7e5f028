import type { Inspection } from '../../contract/backend.ts'
import { collectGarbage } from './collect-garbage.ts'
import { describeModel } from './gguf-facts.ts'
import { readGgufHeader } from './gguf-header.ts'
import type { ModelTrial } from './trial.ts'
import { nothingMapped, readUsage } from './usage.ts'
import { WorkGuard } from './work-guard.ts'

/** Real models take 200 to 500 MB, most of it for a vocabulary of up to 262,144 tokens. */
const memoryLimitBytes = 800 * 2 ** 20

/** Inspects model files for the host, in a process that holds no model. */
export class Inspector {
  #guard: WorkGuard | null = null
  #trial: Promise<ModelTrial> | null = null

  /**
   * What a model file (or all parts of a split one, in order) is: its header is checked and read, then llama.cpp tries it without
   * loading weights. `BAD_MODEL_FILE` or `NOT_FOUND` say what is wrong. A hostile file may end this process, but neither take more memory
   * than is good nor more processor time than `limitCpuMs`.
   */
  async inspect(
    paths: readonly string[],
    { limitCpuMs }: { readonly limitCpuMs?: number | undefined } = {},
  ): Promise<Inspection> {
    const [first] = paths
    if (first === undefined) throw new Error('No file to inspect')
    this.#guard ??= new WorkGuard({ limitBytes: memoryLimitBytes })
    using _watch = this.#guard.watch({ limitCpuMs })
    const { inspection, chatTemplate } = describeModel(paths.map((path) => readGgufHeader(path)))
    if (inspection.kind === 'model') {
      // Imported late: a header alone needs no native code.
      this.#trial ??= import('./trial.ts').then(({ ModelTrial }) => new ModelTrial())
      const { facts } = inspection
      const { architecture, title, trainContextTokens } = facts
      const hasWindows = facts.kvLayerGroups.some(({ windowTokens }) => windowTokens !== null)
      const header = { architecture, title, chatTemplate, trainContextTokens, hasWindows }
      const found = await (await this.#trial).run(first, header)
      return { ...inspection, facts: { ...facts, ...found } }
    }
    return inspection
  }
}

const inspector = new Inspector()

/** What a model file is; see `Inspector.inspect`. */
export async function inspectModel(
  paths: readonly string[],
  options: { readonly limitCpuMs?: number | undefined } = {},
): Promise<Inspection> {
  return inspector.inspect(paths, options)
}

/** The device that computes: its name, and its memory where it has its own. */
export async function describeDevice(): Promise<{
  name: string
  totalBytes: number
  isUnified: boolean
  runtimeBytes: number
}> {
  const { openLlama } = await import('./llama.ts')
  const { llama } = await openLlama()
  collectGarbage()
  const { privateBytes: runtimeBytes } = await readUsage({ weights: nothingMapped, deviceBytes: 0 })
  const cpu = { name: 'CPU', totalBytes: 0, isUnified: true, runtimeBytes }
  if (llama.gpu === false) return cpu
  const [names, memory] = await Promise.all([llama.getGpuDeviceNames(), llama.getVramState()])
  // Vulkan's loader may be there without a device: the CPU computes then.
  if (names.length === 0 && memory.total === 0) return cpu
  const backend = { cuda: 'CUDA', vulkan: 'Vulkan', metal: 'Metal' }[llama.gpu]
  return {
    name: names.length === 0 ? backend : `${backend}: ${names.join(', ')}`,
    totalBytes: memory.total,
    isUnified: memory.unifiedSize > 0,
    runtimeBytes,
  }
}
