import {
  defaultSampling,
  resolveSampling,
  type ResolvedSampling,
  type Sampling,
} from '../../contract/sampling.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { formatCount } from './format.ts'

/** A place that decides about sampling, and what it is called. */
export type SamplingLayer = { readonly name: string; readonly sampling: Sampling | undefined }

/** What decides about a model's answers where nobody else does: what was set for it, and what its file recommends. */
export function layersOf(model: LibraryModel): readonly SamplingLayer[] {
  return [{ name: `set for ${model.name}`, sampling: model.sampling }, recommendedBy(model)]
}

/** What the file of a model recommends. */
export function recommendedBy({ name, file }: LibraryModel): SamplingLayer {
  const sampling = file.kind === 'usable' ? file.facts.recommendedSampling : undefined
  return { name: `recommended by the file of ${name}`, sampling }
}

/** Where a value comes from, in words: "0.8, the default", "Set here; else 0, recommended by the file of Guide". */
export function sourceOf(
  name: keyof Sampling,
  { own, below }: { readonly own: Sampling; readonly below: readonly SamplingLayer[] },
): string {
  const source = below.find(({ sampling }) => sampling?.[name] !== undefined)?.name ?? 'the default'
  const value = samplingText(name, resolveSampling(...below.map((layer) => layer.sampling)))
  return own[name] === undefined ? `${value}, ${source}` : `Set here; else ${value}, ${source}`
}

/** One value of a sampling in words. */
export function samplingText(name: keyof Sampling, sampling: ResolvedSampling): string {
  const value = sampling[name]
  switch (name) {
    case 'seed':
      return value === null ? 'Random' : String(value)
    case 'maxTokens':
      return value === null ? 'No limit' : formatCount(Number(value))
    case 'stopTexts':
      return sampling.stopTexts.length === 0 ? 'None' : writeStopTexts(sampling.stopTexts)
    case 'repeatPenalty':
      return value === 1 ? '1 (off)' : String(value)
    case 'temperature':
    case 'topK':
    case 'topP':
    case 'minP':
    case 'repeatWindowTokens':
      return String(value)
    default:
      return name satisfies never
  }
}

/** What is worth knowing of how an answer was made: "temperature 0", or every value that could matter. */
export function describeSampling(sampling: ResolvedSampling): string {
  const { temperature, topK, topP, minP, repeatPenalty, repeatWindowTokens, seed, maxTokens, stopTexts } =
    sampling
  const parts = [
    `temperature ${String(temperature)}`,
    ...(temperature === 0 ? [] : [`top-k ${String(topK)}`, `top-p ${String(topP)}`, `min-p ${String(minP)}`]),
    ...(repeatPenalty === defaultSampling.repeatPenalty
      ? []
      : [`repeat penalty ${String(repeatPenalty)} over ${formatCount(repeatWindowTokens)} tokens`]),
    ...(seed === null || temperature === 0 ? [] : [`seed ${String(seed)}`]),
    ...(maxTokens === null ? [] : [`at most ${formatCount(maxTokens)} tokens`]),
    ...(stopTexts.length === 0
      ? []
      : [`stops at ${stopTexts.map((text) => JSON.stringify(text)).join(', ')}`]),
  ]
  return parts.join(', ')
}

/** Stop texts as they are typed: one on each line, "\n" for a line break. */
export function writeStopTexts(texts: readonly string[]): string {
  return texts.map((text) => text.replaceAll('\n', '\\n')).join('\n')
}
