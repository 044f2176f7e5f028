import type { Footprint, FootprintPart, LoadedWith, Measurement } from '../../contract/memory.ts'

/** What is learned from: an earlier load of the same file on the same backend. */
type Lesson = Pick<Measurement, 'loadedWith' | 'predicted' | 'measured'>

/**
 * A plain prediction with what an earlier load has taught. The same load again takes what it took. For another one each part is corrected
 * by itself, so that it holds for context sizes and KV types that were not measured: runtime by the bytes that it was off,
 * weights and compute buffers by the share that they were off (weights in the same place exactly). The KV cache is arithmetic and stays. Pure.
 */
export function correctFootprint(
  predicted: Footprint,
  { loadedWith, lesson }: { readonly loadedWith: LoadedWith; readonly lesson: Lesson | undefined },
): Footprint {
  if (!lesson) return predicted
  const before = lesson.loadedWith
  const isSamePlace = before.gpuLayers === loadedWith.gpuLayers && before.fileAccess === loadedWith.fileAccess
  const isSameDraft =
    before.draft?.modelId === loadedWith.draft?.modelId &&
    before.draft?.contextTokens === loadedWith.draft?.contextTokens
  const isSame =
    isSamePlace &&
    isSameDraft &&
    before.contextTokens === loadedWith.contextTokens &&
    before.kvType === loadedWith.kvType &&
    before.flashAttention === loadedWith.flashAttention &&
    before.batchTokens === loadedWith.batchTokens &&
    before.fullWindowCache === loadedWith.fullWindowCache
  if (isSame) return lesson.measured
  return predicted.map((part): FootprintPart => {
    const expected = find(lesson.predicted, part)
    const measured = find(lesson.measured, part)
    if (expected === 0 || measured === 0) return part
    const learned = (bytes: number): FootprintPart => ({
      ...part,
      bytes: Math.max(0, Math.round(bytes)),
      source: 'learned',
    })
    switch (part.part) {
      case 'runtime':
        return learned(part.bytes + measured - expected)
      case 'weights':
        return isSamePlace ? learned(measured) : part
      case 'compute':
        return learned((part.bytes * measured) / expected)
      case 'kvCache':
        return learned(part.bytes)
      case 'draft':
        return isSamePlace && isSameDraft ? learned(measured) : part
      default:
        return part.part satisfies never
    }
  })
}

/** A footprint as the prediction of a load to come: what an earlier one has taken is learned, not measured. */
export function asPrediction(footprint: Footprint): Footprint {
  return footprint.map((part) => (part.source === 'measured' ? { ...part, source: 'learned' } : part))
}

function find(footprint: Footprint, { part, domain }: FootprintPart): number {
  return footprint.find((each) => each.part === part && each.domain === domain)?.bytes ?? 0
}
