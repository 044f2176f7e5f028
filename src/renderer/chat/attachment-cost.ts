import type { Attachment, TurnCost } from '../../contract/attachment.ts'
import { formatCount } from '../ui/format.ts'

/** The name of a cut attachment and its fence take a few tokens more. */
const spareTokens = 24
/** A shorter rest of a text is of no use. */
const fewestTokens = 16

/** The attachment to cut when a message does not fit into a context even by itself, and how much of it would fit; null when it fits. */
export function excessOf(
  { aloneTokens, contextTokens, attachmentTokens }: TurnCost,
  attachments: readonly Attachment[],
): { readonly index: number; readonly tokens: number; readonly fitsTokens: number | null } | null {
  // An answer needs room as well: as much as the host keeps free for one.
  const roomTokens = Math.min(512, Math.floor(contextTokens / 8))
  if (attachments.length === 0 || aloneTokens + roomTokens <= contextTokens) return null
  const tokens = Math.max(...attachmentTokens)
  const fitsTokens = contextTokens - roomTokens - (aloneTokens - tokens) - spareTokens
  const index = attachmentTokens.indexOf(tokens)
  return { index, tokens, fitsTokens: fitsTokens < fewestTokens ? null : fitsTokens }
}

/** Tokens of an attachment and its share of the context: "412 tokens, 40 % of the context". */
export function shareText(tokens: number, { isExact, contextTokens }: TurnCost): string {
  const percent = (100 * tokens) / contextTokens
  const share = percent < 1 ? 'under 1 %' : `${formatCount(percent)} %`
  return `${isExact ? '' : 'about '}${formatCount(tokens)} tokens, ${share} of the context`
}
