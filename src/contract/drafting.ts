import type { LibraryModel, ModelFacts } from './model.ts'

/** llama.cpp takes vocabularies for the same when one is padded by at most so many tokens (`SPEC_VOCAB_MAX_SIZE_DIFFERENCE` in common/speculative.cpp). */
const paddingTokens = 128

type VocabularyFacts = Pick<ModelFacts, 'vocabularySize' | 'vocabularyFingerprint'>

/**
 * Whether a model reads and writes the same tokens as another: as many, but for padding, and the same ones. False also where the facts do not
 * say which: those of a file that was looked at before that was kept. Pure.
 */
export function sharesVocabulary(one: VocabularyFacts, other: VocabularyFacts): boolean {
  return (
    one.vocabularyFingerprint !== undefined &&
    one.vocabularyFingerprint === other.vocabularyFingerprint &&
    Math.abs(one.vocabularySize - other.vocabularySize) <= paddingTokens
  )
}

/** Whether the facts say that two vocabularies differ; what they do not say, the model process finds out. Pure. */
export function differsInVocabulary(one: VocabularyFacts, other: VocabularyFacts): boolean {
  if (Math.abs(one.vocabularySize - other.vocabularySize) > paddingTokens) return true
  const [a, b] = [one.vocabularyFingerprint, other.vocabularyFingerprint]
  return a !== undefined && b !== undefined && a !== b
}

/** Whether a model can go back in what it has read, as drafting needs: not in recurrent layers, and in sliding windows only when all is kept. Pure. */
export function canGoBack(
  { recurrentStateBytes, kvLayerGroups }: Pick<ModelFacts, 'recurrentStateBytes' | 'kvLayerGroups'>,
  { fullWindowCache }: { readonly fullWindowCache: boolean },
): boolean {
  const hasWindows = kvLayerGroups.some(({ windowTokens }) => windowTokens !== null)
  return recurrentStateBytes === 0 && (fullWindowCache || !hasWindows)
}

/** Whether a model can be the draft of another: the same tokens, fewer weights, and able to go back. Its own windows are kept whole. Pure. */
export function fitsAsDraft(draft: ModelFacts, target: ModelFacts): boolean {
  return (
    sharesVocabulary(draft, target) &&
    canGoBack(draft, { fullWindowCache: true }) &&
    draft.weightBytes < target.weightBytes
  )
}

/** The models of a library that can draft for one of them, the smallest first. Pure. */
export function draftsFor(
  { id, file }: Pick<LibraryModel, 'id' | 'file'>,
  models: readonly LibraryModel[],
): readonly LibraryModel[] {
  if (file.kind !== 'usable') return []
  const weightsOf = (model: LibraryModel) =>
    model.file.kind === 'usable' ? model.file.facts.weightBytes : Infinity
  return models
    .filter(
      (each) => each.id !== id && each.file.kind === 'usable' && fitsAsDraft(each.file.facts, file.facts),
    )
    .toSorted((a, b) => weightsOf(a) - weightsOf(b))
}
