import type { LoadedWith } from '../../contract/memory.ts'
import type { FileAccess, LoadOptions, ModelFacts } from '../../contract/model.ts'
import { chooseFileAccess, type ReadingFacts } from './file-access.ts'
import {
  defaultBatchTokens,
  kvCacheBytes,
  rearrangedBytes,
  supportsFlashAttention,
  usesFlashAttention,
} from './footprint.ts'

/** What options that are absent follow. */
type LoadDefaults = {
  readonly contextTokens: number
  readonly threads: number
  /** The weights are computed with by the CPU. */
  readonly isCpu: boolean
  /** The processor has AMX. Default false. */
  readonly hasAmx?: boolean | undefined
  /** What says how the file is best read. */
  readonly reading: Omit<ReadingFacts, 'isRearranged'>
}

/** How a model is loaded, with nothing left open but its place; and what of the options cannot be done. */
type ResolvedLoad = Omit<LoadedWith, 'gpuLayers'> & {
  readonly warnings: readonly string[]
  /** Why the file is read so, in plain words; null where the user has said how. */
  readonly fileAccessReason: string | null
}

/**
 * Decides what the options leave open: 1. context: at most the training context and the KV budget. 2. Flash attention: as `usesFlashAttention`
 * says, and always for a q8_0 cache, whose values llama.cpp can only read so. 3. KV type: f16 where q8_0 cannot be. 4. File access: as
 * `chooseFileAccess` says. Pure.
 */
export function resolveLoad(facts: ModelFacts, options: LoadOptions, defaults: LoadDefaults): ResolvedLoad {
  const warnings: string[] = []
  const supportsFlash = supportsFlashAttention(facts)
  const flash = supportsFlash ? (options.flashAttention ?? 'auto') : 'off'
  if (!supportsFlash && options.flashAttention === 'on')
    warnings.push('Flash attention is not supported for this model: it is off')
  let kvType = options.kvType ?? 'f16'
  if (kvType === 'q8_0' && flash === 'off') {
    kvType = 'f16'
    const why = supportsFlash ? 'is switched off' : 'this model does not support'
    warnings.push(`A q8_0 KV cache needs flash attention, which ${why}: it is f16 instead`)
  }
  const odd = facts.kvLayerGroups.find(
    ({ keyLength, valueLength }) => keyLength % 32 !== 0 || valueLength % 32 !== 0,
  )
  if (kvType === 'q8_0' && odd) {
    kvType = 'f16'
    warnings.push(
      'A q8_0 KV cache needs heads of a multiple of 32, which this model does not have: it is f16 instead',
    )
  }
  const flashAttention = kvType === 'q8_0' || (flash === 'auto' ? usesFlashAttention(facts) : flash === 'on')
  const batchTokens = options.batchTokens ?? defaultBatchTokens
  // Said of models that have no windows, it would only make their loads look different.
  const fullWindowCache =
    (options.fullWindowCache ?? false) &&
    facts.kvLayerGroups.some(({ windowTokens }) => windowTokens !== null)
  const wanted = options.contextTokens ?? defaults.contextTokens
  let contextTokens = Math.min(wanted, facts.trainContextTokens || wanted)
  const { kvBudgetBytes } = options
  const fits = (tokens: number) =>
    kvBudgetBytes === undefined ||
    kvCacheBytes(facts, tokens, { kvType, batchTokens, fullWindowCache }) <= kvBudgetBytes
  if (!fits(contextTokens)) {
    const asked = contextTokens
    contextTokens = Math.min(asked, largest(asked, fits))
    warnings.push(
      fits(contextTokens)
        ? `The KV budget holds ${String(contextTokens)} of ${String(asked)} tokens`
        : `The KV budget is smaller than the smallest context, of ${String(contextTokens)} tokens`,
    )
  }
  const { fileAccess, reason: fileAccessReason } = resolveAccess(facts, options, defaults)
  const threads = options.threads ?? defaults.threads
  const loadedWith = {
    contextTokens,
    kvType,
    flashAttention,
    batchTokens,
    threads,
    fileAccess,
    fullWindowCache,
  }
  return { ...loadedWith, warnings, fileAccessReason }
}

function resolveAccess(
  facts: ModelFacts,
  { fileAccess = 'auto' }: LoadOptions,
  { isCpu, reading, hasAmx }: LoadDefaults,
): { readonly fileAccess: FileAccess; readonly reason: string | null } {
  if (fileAccess !== 'auto') return { fileAccess, reason: null }
  const isRearranged = isCpu && rearrangedBytes(facts, { hasAmx }).movedBytes * 4 > facts.weightBytes
  return chooseFileAccess({ ...reading, isRearranged })
}

const contextStep = 256

/** The largest multiple of 256 below `limit` that fits; 256 when none does. */
function largest(limit: number, fits: (tokens: number) => boolean): number {
  let low = 1
  let high = Math.max(1, Math.floor(limit / contextStep))
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(middle * contextStep)) low = middle
    else high = middle - 1
  }
  return low * contextStep
}
