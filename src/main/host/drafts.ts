import type { DraftFigures, DraftLoad } from '../../contract/backend.ts'
import { canGoBack, differsInVocabulary, draftsFor } from '../../contract/drafting.ts'
import { AppError } from '../../contract/errors.ts'
import type { Footprint, LoadedWith, LoadPreview } from '../../contract/memory.ts'
import type { DraftKind, LibraryModel, ModelFacts } from '../../contract/model.ts'
import { bytesByDomain } from '../core/domain-bytes.ts'
import { draftContext, predictDraft } from '../core/draft-footprint.ts'
import { chooseDraft, chooseDraftModel, draftGain, isMuchSmaller } from '../core/drafting.ts'
import { usesFlashAttention, type FootprintOptions, type Placement } from '../core/footprint.ts'
import type { DraftRecords } from './draft-records.ts'
import type { Library } from './library.ts'
import type { MeasuredFile } from './measurements.ts'

/** What decides on the drafts of a load. */
export type DraftWish = {
  readonly model: Pick<LibraryModel, 'id' | 'name' | 'file'>
  readonly facts: ModelFacts
  /** As in the load options. */
  readonly choice: string
  readonly fullWindowCache: boolean
  /** How its measurements are found; null: there are none. */
  readonly file: MeasuredFile | null
}

/** What may draft for a model that is loaded so. */
export type DraftPlan = {
  /** In the order in which they are tried. */
  readonly kinds: readonly DraftKind[]
  readonly model: DraftModelEntry | null
  readonly warnings: readonly string[]
  /** The draft model that was asked for cannot be: the load is refused. */
  readonly problem: AppError | null
}

type DraftModelEntry = Pick<LibraryModel, 'id' | 'name'> & {
  readonly path: string
  readonly facts: ModelFacts
}

/** Decides for each answer of a loaded model what drafts for it, and keeps what that has come to. */
export type AnswerDrafts = {
  choose(): { readonly kind: DraftKind } | null
  record(figures: DraftFigures): void
}

type DraftMeasurements = NonNullable<LoadPreview['drafts']>

const modelPrefix = 'model:'
const nothing: DraftPlan = { kinds: [], model: null, warnings: [], problem: null }

/** What drafts for which model: as the user has chosen, and as was measured on this machine. */
export class Drafts {
  readonly #library: Pick<Library, 'get' | 'list' | 'stamp'>
  readonly #records: DraftRecords
  readonly #isOn: () => boolean
  /** Answers of a model since something drafted for it. */
  readonly #answersWithout = new Map<string, number>()

  /** `isOn`: as the settings say, asked each time. */
  constructor(options: {
    readonly library: Pick<Library, 'get' | 'list' | 'stamp'>
    readonly records: DraftRecords
    readonly isOn: () => boolean
  }) {
    this.#library = options.library
    this.#records = options.records
    this.#isOn = options.isOn
  }

  /** What may draft for a model. Decides by what was measured so far, and loads nothing. */
  plan(wish: DraftWish): DraftPlan {
    const { choice, facts, fullWindowCache } = wish
    if (choice === 'off') return nothing
    const isAsked = choice !== 'auto'
    const without = (why: string): DraftPlan => ({ ...nothing, warnings: isAsked ? [why] : [] })
    if (!this.#isOn()) return without('Speculative decoding is switched off in the settings')
    if (!canGoBack(facts, { fullWindowCache }))
      return without(
        facts.recurrentStateBytes > 0
          ? 'Speculative decoding is off: this model cannot go back in what it has read'
          : 'Speculative decoding is off: this model cannot go back in what it has read, unless it keeps the full sliding-window cache',
      )
    if (choice === 'lookup') return { ...nothing, kinds: ['lookup'] }
    if (choice.startsWith(modelPrefix)) return this.#planModel(wish, choice.slice(modelPrefix.length))
    const model = this.#bestModel(wish)
    return { ...nothing, model, kinds: model ? ['model', 'lookup'] : ['lookup'] }
  }

  /** What decides for each answer of a model that was loaded so. */
  ofLoad({ kinds, model }: DraftPlan, file: MeasuredFile | null): AnswerDrafts {
    const keyOf = (kind: DraftKind) => (kind === 'model' && model ? this.#keyOf(model) : kind)
    const id = file?.modelId ?? ''
    return {
      choose: () => {
        if (!this.#isOn()) return null
        const candidates = kinds.map((kind) => ({
          kind,
          record: file && this.#records.get(file, keyOf(kind)),
        }))
        const answersWithout = this.#answersWithout.get(id) ?? 0
        const kind = chooseDraft(candidates, { answersWithout })
        this.#answersWithout.set(id, kind === null ? answersWithout + 1 : 0)
        return kind && { kind }
      },
      record: (figures) => {
        if (file) this.#records.add(file, keyOf(figures.kind), figures)
      },
    }
  }

  /** What drafting for a model was measured to come to, with each draft that was tried and can be chosen. */
  measured(target: Pick<LibraryModel, 'id' | 'file'>, file: MeasuredFile | null): DraftMeasurements {
    if (!file) return []
    const drafts = draftsFor(target, this.#library.list())
    return [
      { draft: 'lookup', record: this.#records.get(file, 'lookup') },
      ...drafts.map((draft) => ({
        draft: `${modelPrefix}${draft.id}`,
        record: this.#records.get(file, this.#keyOf(draft)),
      })),
    ].flatMap(({ draft, record }) => {
      const gain = draftGain(record)
      if (record === null || gain === null) return []
      return [{ draft, gain, acceptance: record.acceptedTokens / Math.max(1, record.proposedTokens) }]
    })
  }

  #planModel({ model: target, facts }: DraftWish, id: string): DraftPlan {
    const entry = this.#library.get(id)
    const model = entry && usable(entry)
    if (!model) {
      const why = entry ? `the file of "${entry.name}" cannot be used` : `"${id}" is not in the library`
      const warnings = [`The draft model is left out: ${why}`]
      return { ...nothing, warnings, kinds: ['lookup'] }
    }
    const refuse = (why: string) => ({
      ...nothing,
      problem: new AppError('BAD_INPUT', `Cannot draft for "${target.name}" with "${model.name}": ${why}`, {
        details: {
          modelId: target.id,
          help: 'Choose a smaller model of the same family as its draft, or looking up in the conversation',
        },
      }),
    })
    if (differsInVocabulary(model.facts, facts)) {
      const sizes = [facts, model.facts].map(({ vocabularySize }) => vocabularySize.toLocaleString('en'))
      return refuse(
        sizes[0] === sizes[1]
          ? `their vocabularies have ${sizes.join(' and ')} tokens, and these are not the same`
          : `their vocabularies have ${sizes.join(' and ')} tokens`,
      )
    }
    if (!canGoBack(model.facts, { fullWindowCache: true }))
      return refuse(`"${model.name}" cannot go back in what it has read`)
    return { ...nothing, model, kinds: ['model'] }
  }

  /** The draft model that was measured to be worth its memory. */
  #bestModel({ model: target, facts, file }: DraftWish): DraftModelEntry | null {
    if (!file) return null
    const models = draftsFor(target, this.#library.list())
      .flatMap((entry) => usable(entry) ?? [])
      .filter((model) => isMuchSmaller(model.facts, facts))
      .map((model) => ({ model, record: this.#records.get(file, this.#keyOf(model)) }))
    return chooseDraftModel(models, { lookup: this.#records.get(file, 'lookup') })
  }

  #keyOf({ id }: Pick<LibraryModel, 'id'>): string {
    return `${modelPrefix}${id} ${this.#library.stamp(id) ?? ''}`
  }
}

/** A draft model as it is loaded beside its model, and what it takes. */
export type PlannedDraft = {
  readonly load: DraftLoad
  /** What it takes on a card, in bytes, should its model be there. */
  readonly deviceBytes: number
  readonly footprint: (placement: Placement) => Footprint
}

/** How a draft model is loaded beside a model whose context may grow to `contextTokens`; null without one. Its place comes with its model's. */
export function planDraftLoad(
  { model }: DraftPlan,
  load: Pick<FootprintOptions, 'contextTokens' | 'batchTokens' | 'fileAccess' | 'hasAmx'>,
): PlannedDraft | null {
  if (!model) return null
  const { facts, path, name } = model
  const size = draftContext(facts, load)
  const flashAttention = usesFlashAttention(facts)
  const footprint = (placement: Placement) =>
    predictDraft(facts, { ...load, ...size, flashAttention, placement })
  return {
    load: { path, name, ...size, flashAttention, gpuLayers: null },
    deviceBytes: bytesByDomain(footprint({ kind: 'split', gpuLayers: 1 })).vram ?? 0,
    footprint,
  }
}

/** A draft model as a load says that it has it. */
export function describeDraft(
  { id, name }: DraftModelEntry,
  { contextTokens }: DraftLoad,
): LoadedWith['draft'] {
  return { modelId: id, name, contextTokens }
}

function usable({ id, name, paths: [path], file }: LibraryModel): DraftModelEntry | null {
  return file.kind === 'usable' && path !== undefined ? { id, name, path, facts: file.facts } : null
}
