/** A longer paragraph, list or table is shown as plain text. */
const longest = 50_000

/** More of these in one block than people write, and reading them would take time out of proportion. */
const manyMarks: readonly (readonly [RegExp, number])[] = [
  [/[[\]]/g, 1500],
  [/[*_~]+/g, 3000],
  [/`+/g, 2000],
  [/\$|\\[([]/g, 1000],
  [/</g, 2000],
  [/&/g, 5000],
  [/\|/g, 6000],
]

/** Quotes and lists deeper than this. */
const deep =
  /^(?:[ \t]*>){20}|^(?:[ \t]*(?:[-*+]|\d{1,9}[.)])[ \t]+){10}|^[ \t]{100}[ \t]*(?:[-*+>]|\d{1,9}[.)])/m

/** Whether a block of Markdown is made so that drawing it would keep the page busy; it is shown as plain text then. Pure. */
export function isTangled(text: string): boolean {
  if (text.length > longest) return true
  if (text.length < 20) return false
  return deep.test(text) || manyMarks.some(([mark, most]) => text.length > most && countOf(text, mark) > most)
}

function countOf(text: string, mark: RegExp): number {
  return text.match(mark)?.length ?? 0
}
