import { formatBytes } from '../../contract/bytes.ts'
import type { Problem } from '../../contract/errors.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import { formatCount } from '../ui/format.ts'

/** The price of a load in bytes, all domains together. */
export function previewBytes(preview: LoadPreview): number {
  return preview.footprint.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The price of a load in one or two sentences: what it takes, and who would have to leave. */
export function previewText(preview: LoadPreview): string {
  const { verdict } = preview
  const takes = `Takes ${formatBytes(previewBytes(preview))} with ${contextText(preview)}`
  switch (verdict.kind) {
    case 'resident':
      return 'In memory'
    case 'fits':
      return `${takes}. Nobody has to leave`
    case 'evicts':
      return `${takes}. ${leavers(verdict.leaving)} to leave`
    case 'waits': {
      const names = joinNames(verdict.waitsFor.map(({ name }) => name))
      const are = verdict.waitsFor.length === 1 ? 'is' : 'are'
      return `${takes}. It waits until ${names} ${are} done, then ${leavers(verdict.leaving)} to leave`
    }
    case 'refused':
      return `${takes}. There is no room for it`
    default:
      return verdict satisfies never
  }
}

/** With how large a context a model begins, and what that may become: "a context of 4,096 tokens, 2.10 GB when it has grown to 32,768". */
export function contextText({ startContextTokens, contextTokens, grownBytes }: LoadPreview): string {
  const begins = `a context of ${formatCount(startContextTokens)} tokens`
  return contextTokens > startContextTokens
    ? `${begins}, ${formatBytes(grownBytes)} when it has grown to ${formatCount(contextTokens)}`
    : begins
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
