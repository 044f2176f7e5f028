import type { Footprint } from '../../contract/memory.ts'
import type { ModelFacts } from '../../contract/model.ts'
import { bytesByDomain } from './domain-bytes.ts'
import {
  defaultBatchTokens,
  predictFootprint,
  tokenizerBytes,
  type FootprintOptions,
  type Placement,
} from './footprint.ts'

/** A draft model reads what its model has read; longer texts it reads from the middle on, so that a small context does. */
const mostDraftTokens = 8192
/** A draft reads beside answers that are being written: smaller batches keep its buffers small and its steps short. */
const mostBatchTokens = 256

/** Context and batch of a draft model, in tokens, for a model whose context may become so large and reads so many at once. */
export function draftContext(
  draft: Pick<ModelFacts, 'trainContextTokens'>,
  { contextTokens, batchTokens = defaultBatchTokens }: { contextTokens: number; batchTokens?: number },
): { readonly contextTokens: number; readonly batchTokens: number } {
  return {
    contextTokens: Math.min(mostDraftTokens, draft.trainContextTokens || contextTokens, contextTokens),
    batchTokens: Math.min(mostBatchTokens, batchTokens),
  }
}

/**
 * What a draft model takes beside its model, in bytes by domain: weights, one context and the tokenizer, all in the part `draft`. It is on the
 * GPU as a whole where its model has any layers there. Its sliding windows are kept whole.
 */
export function predictDraft(
  draft: ModelFacts,
  options: Omit<FootprintOptions, 'contexts' | 'fullWindowCache' | 'runtimeBytes'> & {
    /** Of its model. */
    readonly placement: Placement
  },
): Footprint {
  const { placement } = options
  const own: Placement =
    placement.kind === 'split'
      ? { kind: 'split', gpuLayers: placement.gpuLayers > 0 ? draft.layers + 1 : 0 }
      : placement
  const whole = predictFootprint(draft, { ...options, placement: own, fullWindowCache: true })
  const bytes = bytesByDomain(whole.filter(({ part }) => part !== 'runtime'))
  const host = placement.kind === 'split' ? 'ram' : 'unified'
  const withTokenizer = { ...bytes, [host]: (bytes[host] ?? 0) + tokenizerBytes(draft) }
  return (['unified', 'vram', 'ram'] as const)
    .map((domain) => ({ domain, bytes: withTokenizer[domain] ?? 0 }))
    .filter((part) => part.bytes > 0)
    .map((part) => ({ part: 'draft', source: 'predicted', ...part }))
}
