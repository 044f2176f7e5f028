/** A part of an answer: what the model says, or what it thought before saying it. */
export type AnswerPart = {
  readonly kind: 'answer' | 'thought'
  readonly text: string
  /** A thought whose end has not come. */
  readonly isOpen: boolean
}

/** How models mark their thoughts in what they write. */
const marks: readonly (readonly [opening: string, closing: string])[] = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<thought>', '</thought>'],
  ['<seed:think>', '</seed:think>'],
  ['[THINK]', '[/THINK]'],
]

/**
 * Takes an answer apart into thoughts and what is said, in order. A thought begins at the start of a line outside of code. A closing
 * mark on a line's end that nothing opened ends a thought that the template began. With `isGrowing` the beginning of a mark at the
 * end is held back.
 */
export function splitThoughts(
  text: string,
  { isGrowing }: { readonly isGrowing: boolean },
): readonly AnswerPart[] {
  const shown = isGrowing ? withoutHalfMark(text) : text
  const parts: AnswerPart[] = []
  let rest = shown
  const begun = templateThought(rest)
  if (begun !== null) {
    parts.push({ kind: 'thought', text: begun.thought, isOpen: false })
    rest = begun.rest
  }
  for (;;) {
    const opening = findOpening(rest)
    if (opening === null) break
    const before = rest.slice(0, opening.at)
    if (before.trim() !== '') parts.push({ kind: 'answer', text: before.trim(), isOpen: false })
    const after = rest.slice(opening.end)
    const closedAt = after.indexOf(opening.closing)
    if (closedAt === -1) {
      parts.push({ kind: 'thought', text: after.trim(), isOpen: isGrowing })
      return parts
    }
    parts.push({ kind: 'thought', text: after.slice(0, closedAt).trim(), isOpen: false })
    rest = after.slice(closedAt + opening.closing.length)
  }
  const said = parts.length === 0 ? rest : rest.trimStart()
  if (said !== '') parts.push({ kind: 'answer', text: said, isOpen: false })
  return parts
}

/** What an answer says, without its thoughts: what is copied, read out and exported. */
export function withoutThoughts(text: string): string {
  return splitThoughts(text, { isGrowing: false })
    .filter(({ kind }) => kind === 'answer')
    .map((part) => part.text)
    .join('\n\n')
}

/** Whether a text is a mark that begins a thought. */
export function opensThought(mark: string): boolean {
  return marks.some(([opening]) => opening === mark)
}

const openingMark = /(^|\n)[ \t]*(<think>|<thinking>|<thought>|<seed:think>|\[THINK\])/g

function findOpening(
  text: string,
): { readonly at: number; readonly end: number; readonly closing: string } | null {
  for (const match of text.matchAll(openingMark)) {
    const [whole, lineStart = '', mark = ''] = match
    const closing = marks.find(([opening]) => opening === mark)?.[1]
    const at = match.index + lineStart.length
    if (closing !== undefined && !isInCode(text, at)) return { at, end: match.index + whole.length, closing }
  }
  return null
}

const looseEnd = /(?:^|\n)[ \t]*(<\/think>|\[\/THINK\])|(<\/think>|\[\/THINK\])[ \t]*(?=\n|$)/

/** A thought that was begun by the prompt: only its end is in the answer. */
function templateThought(text: string): { readonly thought: string; readonly rest: string } | null {
  const match = looseEnd.exec(text)
  if (!match) return null
  const thought = text.slice(0, match.index)
  if (findOpening(thought) !== null || isInCode(text, match.index)) return null
  return { thought: thought.trim(), rest: text.slice(match.index + match[0].length) }
}

function isInCode(text: string, at: number): boolean {
  const fences = text.slice(0, at).match(/^ {0,3}(?:```|~~~)/gm)
  return fences !== null && fences.length % 2 === 1
}

function withoutHalfMark(text: string): string {
  const start = Math.max(text.lastIndexOf('<'), text.lastIndexOf('['))
  if (start === -1 || text.length - start > 14) return text
  const end = text.slice(start)
  return marks.flat().some((mark) => mark !== end && mark.startsWith(end)) && end.length > 0
    ? text.slice(0, start)
    : text
}
