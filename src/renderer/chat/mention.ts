/** A model that is being named in a message: where the "@" is, and what has been typed after it. */
export type Mention = { readonly at: number; readonly end: number; readonly query: string }

/** So long a name may become before it is text again. */
const longestQuery = 40

/** The mention that the caret is in, or null. An "@" within a word, as in an address, names nobody. Pure. */
export function mentionAt(text: string, caret: number): Mention | null {
  const before = text.slice(Math.max(0, caret - longestQuery - 1), caret)
  const found = /(?:^|\s)@(\S*)$/u.exec(before)
  const query = found?.[1]
  return query === undefined ? null : { at: caret - query.length - 1, end: caret, query }
}

/** Whether a model is meant: what was typed is in its name, whatever the case, spaces and dashes. Pure. */
export function isMeant(name: string, query: string): boolean {
  return bare(name).includes(bare(query))
}

/** Whether what was typed is the whole of a name. Pure. */
export function isNamed(name: string, query: string): boolean {
  return bare(name) === bare(query)
}

function bare(text: string): string {
  return text.toLowerCase().replaceAll(/[\s._-]+/g, '')
}

/** The text without a mention, and where the caret is then. Pure. */
export function withoutMention(
  text: string,
  { at, end }: Mention,
): { readonly text: string; readonly caret: number } {
  const before = text.slice(0, at)
  const rest = text.slice(end)
  // The space that parted it from the text has nothing to part any more.
  if (rest === '') return { text: before.trimEnd(), caret: before.trimEnd().length }
  const isParted = /(^|\s)$/.test(before) && rest.startsWith(' ')
  return { text: before + (isParted ? rest.slice(1) : rest), caret: at }
}
