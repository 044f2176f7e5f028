import { formatBytes } from '../../contract/bytes.ts'
import type { Problem } from '../../contract/errors.ts'
import type { FootprintPartName, LoadPreview } from '../../contract/memory.ts'
import { formatCount } from '../ui/format.ts'

type Verdict = LoadPreview['verdict']

/** The price of a load in bytes, all domains together; of one part, or of all. */
export function previewBytes(
  { footprint }: Pick<LoadPreview, 'footprint'>,
  part?: FootprintPartName,
): number {
  return footprint
    .filter((item) => part === undefined || item.part === part)
    .reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The price of a load in one or two sentences: what it takes, and who would have to leave. */
export function previewText(preview: LoadPreview): string {
  const { verdict } = preview
  if (verdict.kind === 'resident') return verdictText(verdict)
  return `${formatBytes(previewBytes(preview))} with ${contextText(preview)}. ${verdictText(verdict)}`
}

/** What a load would mean for the other models. */
export function verdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'resident':
      return 'In memory'
    case 'fits':
      return 'Nobody has to leave'
    case 'evicts':
      return `${leavers(verdict.leaving)} to leave`
    case 'waits': {
      const waits = `It waits until ${waitedFor(verdict)} done`
      return verdict.leaving.length === 0 ? waits : `${waits}, then ${leavers(verdict.leaving)} to leave`
    }
    case 'refused':
      return 'There is no room for it'
    default:
      return verdict satisfies never
  }
}

/** The same in a word or two, for a place with little room. */
export function shortVerdictText(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'resident':
      return 'in memory'
    case 'fits':
      return 'fits'
    case 'evicts': {
      const [first, ...others] = verdict.leaving
      return others.length === 0 ? `${first?.name ?? ''} leaves` : `${verdict.leaving.length} leave`
    }
    case 'waits':
      return 'waits'
    case 'refused':
      return 'no room'
    default:
      return verdict satisfies never
  }
}

/** Who is waited for: "Coder is", "Coder and Judge are". */
export function waitedFor({ waitsFor }: Extract<Verdict, { kind: 'waits' }>): string {
  return `${joinNames(waitsFor.map(({ name }) => name))} ${waitsFor.length === 1 ? 'is' : 'are'}`
}

/** Whose idle KV caches would be given back, one sentence for all that goes the same way. */
export function reliefTexts(verdict: Verdict): readonly string[] {
  if (!('relieves' in verdict)) return []
  const effects = {
    shrink: ['is made smaller, nothing is lost', 'are made smaller, nothing is lost'],
    park: ['goes to disk', 'go to disk'],
    drop: [
      'is given up and read again when it is needed',
      'are given up and read again when they are needed',
    ],
  } as const
  const ways = Map.groupBy(verdict.relieves ?? [], ({ kind }) => kind)
  return [...ways].map(([kind, caches]) => {
    const [one, many] = effects[kind]
    const names = joinNames([...new Set(caches.map(({ name }) => name))])
    const bytes = formatBytes(caches.reduce((sum, { freesBytes }) => sum + freesBytes, 0))
    return caches.length === 1
      ? `An idle KV cache of ${names} ${one} (${bytes})`
      : `Idle KV caches of ${names} ${many} (${bytes})`
  })
}

/** With how large a context a model begins, and what that may become: "a context of 256 tokens, growing to 32,768". */
export function contextText({ startContextTokens, contextTokens }: LoadPreview): string {
  const begins = `a context of ${formatCount(startContextTokens)} tokens`
  return contextTokens > startContextTokens ? `${begins}, growing to ${formatCount(contextTokens)}` : begins
}

/** What a context that begins smaller than it may become takes in the end; null for one that has its full size at once. */
export function growthText({ startContextTokens, contextTokens, grownBytes }: LoadPreview): string | null {
  if (startContextTokens >= contextTokens) return null
  return `Grows as it fills, to ${formatBytes(grownBytes)} with one conversation`
}

function leavers(leaving: readonly { readonly name: string; readonly freesBytes: number }[]): string {
  const names = leaving.map(({ name, freesBytes }) => `${name} (${formatBytes(freesBytes)})`)
  return `${joinNames(names)} ${names.length === 1 ? 'has' : 'have'}`
}

/** Why a model cannot be loaded, for a place that has its name already: "Needs 41.2 GB, 18.0 GB is free". */
export function refusalText({ message }: Pick<Problem, 'message'>): string {
  const facts = message.replace(/^Cannot load ".*?": (?=needs )/, '')
  return facts.charAt(0).toUpperCase() + facts.slice(1)
}

/** "a", "a and b", "a, b and c". */
export function joinNames(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`
}
