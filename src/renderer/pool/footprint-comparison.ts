import {
  predictionError,
  type DomainId,
  type Footprint,
  type FootprintPartName,
  type Resident,
} from '../../contract/memory.ts'
import { partNames } from './blocks.ts'

/** Predicted against measured, of one part in one domain, or of several together. Null is what is not known (yet). */
export type Comparison = {
  readonly predictedBytes: number | null
  readonly measuredBytes: number | null
  /** As a share of what was measured: negative is too little. */
  readonly error: number | null
  /** The measured bytes are arithmetic: what the backend has told is KV cache and buffers together. */
  readonly isComputed: boolean
  /** What it takes now, with all contexts as they are. */
  readonly nowBytes: number
}

type ComparedResident = Pick<Resident, 'predicted' | 'measured' | 'predictionError' | 'footprint'>

/** Each part in each domain, in the order in which parts are drawn; those that take nothing are left out. */
export function compareParts(
  resident: ComparedResident,
): readonly (Comparison & { readonly part: FootprintPartName; readonly domain: DomainId })[] {
  return partNames.flatMap(({ part }) =>
    domainsOf(resident)
      .map((domain) => ({ part, domain, ...compare(resident, { part, domain }) }))
      .filter(({ predictedBytes, measuredBytes, nowBytes }) =>
        [predictedBytes, measuredBytes, nowBytes].some((bytes) => bytes !== null && bytes > 0),
      ),
  )
}

/** The sum of each domain; empty when there is only one. */
export function compareDomains(
  resident: ComparedResident,
): readonly (Comparison & { readonly domain: DomainId })[] {
  const domains = domainsOf(resident)
  return domains.length < 2
    ? []
    : domains.map((domain) => ({ domain, ...compare(resident, { domain }), isComputed: false }))
}

/** Everything together: its error is the one that the host tells. */
export function compareTotal(resident: ComparedResident): Comparison {
  return { ...compare(resident, {}), error: resident.predictionError, isComputed: false }
}

function compare(
  { predicted, measured, footprint, predictionError: totalError }: ComparedResident,
  of: { readonly part?: FootprintPartName; readonly domain?: DomainId },
): Comparison {
  const within = (whole: Footprint) =>
    whole.filter(
      ({ part, domain }) =>
        (of.part === undefined || of.part === part) && (of.domain === undefined || of.domain === domain),
    )
  const sum = (whole: Footprint) => within(whole).reduce((bytes, part) => bytes + part.bytes, 0)
  const isComputed = measured.length > 0 && within(measured).some(({ source }) => source !== 'measured')
  // Two numbers of which one was not measured agree or not: that is no error. Nor is it one of another load than the predicted one.
  const hasError = totalError !== null && (of.part === undefined || !isComputed)
  return {
    predictedBytes: predicted.length === 0 ? null : sum(predicted),
    measuredBytes: measured.length === 0 ? null : sum(measured),
    error: hasError ? predictionError(within(predicted), within(measured)) : null,
    isComputed,
    nowBytes: sum(footprint),
  }
}

const domainOrder: readonly DomainId[] = ['unified', 'vram', 'ram']

function domainsOf({ predicted, measured, footprint }: ComparedResident): readonly DomainId[] {
  const there = new Set([...predicted, ...measured, ...footprint].map(({ domain }) => domain))
  return domainOrder.filter((domain) => there.has(domain))
}

/** What the predicted numbers rest on, in a sentence; null where there are none. */
export function predictionBasis({ predicted }: Pick<Resident, 'predicted'>): string | null {
  if (predicted.length === 0) return null
  return predicted.some(({ source }) => source === 'learned')
    ? 'The prediction was learned: corrected by what an earlier load of this file has taken here.'
    : 'The prediction is from the file’s header and dry runs alone: this file was not measured here before.'
}
