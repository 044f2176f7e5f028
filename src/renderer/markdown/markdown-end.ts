import { isFormula } from './math-syntax.ts'

/**
 * A Markdown block that is being written, as it can be drawn now: what has begun (emphasis, code, a link, a formula, a table) is
 * ended for the time being, and marks at the end whose meaning is still open are held back. So nothing that was seen changes
 * into something else when more text comes. Pure.
 */
export function settleEnd(text: string): string {
  const lines = text.split('\n')
  if (/^\s*(?:`+|~+)$/.test(lines.at(-1) ?? '')) lines.pop()
  // In code that belongs to a list there are no marks.
  const fence = openFence(lines)
  if (fence !== null) return (fence === lines.length - 1 ? lines.slice(0, -1) : lines).join('\n')
  holdLines(lines)
  const leaf = leafStart(lines)
  const before = lines.slice(0, leaf)
  const { start, content } = splitMark(lines.slice(leaf).join('\n'))
  return [...before, start + settleInline(content)].join('\n')
}

/** The line that opened the code in which a text ends; null when it does not end in code. */
function openFence(lines: readonly string[]): number | null {
  let open: { readonly line: number; readonly mark: string } | null = null
  for (const [line, content] of lines.entries()) {
    const mark = /^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}(?=[^`]*$)|~{3,})/.exec(content)?.[1]
    if (mark === undefined) continue
    if (open === null) open = { line, mark }
    else if (mark.startsWith(open.mark) && content.trim() === mark) open = null
  }
  return open?.line ?? null
}

/** Marks that alone on a line may become a list, a heading, a quote, a rule, a table or an underline of a heading. */
const onlyMarks =
  /^[\s>]*(?:[-*+]\s+|\d{1,9}[.)]\s+)*(?:[-=_*+#~`]+|[-:|\s]+|\d{1,9}[.)]?|\[[ xX]?\]?|\[[ xX]\]\s*|\[\^?[^\]]*\]:.*)?\s*$/
const tableRow = /^[\s>]*\|/

/** Drops lines at the end whose meaning the next ones decide. */
function holdLines(lines: string[]): void {
  const last = lines.at(-1) ?? ''
  if (last.trim() !== '' && onlyMarks.test(last)) lines.pop()
  // A table begins with two rows: until the second is whole they could be anything.
  let first = lines.length
  while (first > 0 && tableRow.test(lines[first - 1] ?? '')) first--
  if (lines.length - first === 1) lines.pop()
}

/** Where the last paragraph, item, row or heading begins: inline marks do not reach further. */
function leafStart(lines: readonly string[]): number {
  let first = lines.length - 1
  while (first > 0 && !beginsLeaf(lines[first] ?? '') && (lines[first - 1] ?? '').trim() !== '') {
    if (/^ {0,3}#{1,6}\s/.test(lines[first - 1] ?? '')) break
    first--
  }
  return Math.max(0, first)
}

function beginsLeaf(line: string): boolean {
  return /^[\s>]*(?:[-*+]\s|\d{1,9}[.)]\s|#{1,6}\s|\|)/.test(line) || line.trim() === ''
}

/** The mark that makes a line an item, a heading, a quote or a row, and what stands in it; of a row only its last cell. */
function splitMark(leaf: string): { readonly start: string; readonly content: string } {
  const mark = /^[\s>]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(?:\[[ xX]\]\s+)?(?:#{1,6}\s+)?/.exec(leaf)?.[0] ?? ''
  const rest = leaf.slice(mark.length)
  if (!rest.startsWith('|')) return { start: mark, content: rest }
  const cell = rest.lastIndexOf('|') + 1
  return { start: mark + rest.slice(0, cell), content: rest.slice(cell) }
}

type Opener = { readonly char: string; count: number; readonly at: number }

/** Text of one paragraph, ended. */
function settleInline(text: string): string {
  let out = ''
  const openers: Opener[] = []
  // Where brackets stand in `out` whose end has not come.
  const brackets: number[] = []
  let index = 0
  // Ends here with what is open around it.
  const finish = (tail = '') => {
    for (const at of brackets.toReversed()) dropBracket(at)
    return closeAll(out + tail, openers)
  }
  const dropBracket = (at: number) => {
    const width = out[at - 1] === '!' ? 2 : 1
    const from = at + 1 - width
    const label = width === 2 ? 'Image: ' : ''
    out = out.slice(0, from) + label + out.slice(at + 1)
    for (const [position, opener] of openers.entries())
      if (opener.at > at) openers[position] = { ...opener, at: opener.at - width + label.length }
  }
  while (index < text.length) {
    const char = text[index] ?? ''
    const rest = text.slice(index, index + 2)
    switch (char) {
      case '\\': {
        if (index === text.length - 1) return finish()
        if (rest === '\\(' || rest === '\\[') {
          const end = text.indexOf(rest === '\\(' ? '\\)' : '\\]', index + 2)
          if (end === -1) return finish(asCode(text.slice(index + 2).replace(/\\$/, '')))
          out += text.slice(index, end + 2)
          index = end + 2
        } else {
          out += rest
          index += 2
        }
        break
      }
      case '`': {
        const mark = runAt(text, index)
        const end = closingRun(text, index + mark.length, mark)
        if (end === -1) {
          const code = text.slice(index + mark.length).replace(/`+$/, '')
          return finish(code.trim() === '' ? '' : mark + code + mark)
        }
        out += text.slice(index, end)
        index = end
        break
      }
      case '$': {
        const formula = takeFormula(text, index)
        if (formula.kind === 'open') return finish(asCode(formula.source))
        out += text.slice(index, formula.end)
        index = formula.end
        break
      }
      case '*':
      case '_':
      case '~': {
        const mark = runAt(text, index)
        index += mark.length
        // What a run at the end means is not known yet.
        if (index === text.length) return finish()
        takeRun(mark, { before: out.at(-1) ?? ' ', after: text[index] ?? ' ', at: out.length, openers })
        out += mark
        break
      }
      case '[': {
        if (index === text.length - 1) return finish()
        if (!/[\w\]]/.test(out.at(-1) ?? ' ')) brackets.push(out.length)
        out += char
        index++
        break
      }
      case ']': {
        const at = brackets.pop()
        const after = text[index + 1]
        if (at === undefined) {
          out += char
          index++
        } else if (after === undefined) {
          brackets.push(at)
          return finish()
        } else if (after === '(') {
          const end = linkEnd(text, index + 1)
          if (end === -1) {
            brackets.push(at)
            return finish()
          }
          out += text.slice(index, end)
          index = end
        } else {
          out += char
          index++
        }
        break
      }
      case '!': {
        if (index === text.length - 1) return finish()
        out += char
        index++
        break
      }
      case '<': {
        const tail = text.slice(index)
        if (tail.length === 1) return finish()
        if (/^<(?:https?:|mailto:)[^\s<>]*$/i.test(tail)) return finish(tail.slice(1))
        if (/^<(?:h|ht|htt|http|https|m|ma|mai|mail|mailt|mailto)$/i.test(tail)) return finish()
        out += char
        index++
        break
      }
      case '&': {
        if (/^&#?\w{0,8}$/.test(text.slice(index))) return finish()
        out += char
        index++
        break
      }
      default:
        out += char
        index++
    }
  }
  return finish()
}

/** Takes a run of emphasis marks into account: it ends what is open, or begins something. */
function takeRun(
  mark: string,
  { before, after, at, openers }: { before: string; after: string; at: number; openers: Opener[] },
): void {
  const char = mark[0] ?? ''
  if (char === '~' && mark.length !== 2) return
  const isLeft = !/\s/.test(after) && (!isPunctuation(after) || /\s/.test(before) || isPunctuation(before))
  const isRight = !/\s/.test(before) && (!isPunctuation(before) || /\s/.test(after) || isPunctuation(after))
  const canOpen = isLeft && (char !== '_' || !isRight || isPunctuation(before))
  const canClose = isRight && (char !== '_' || !isLeft || isPunctuation(after))
  let count = mark.length
  while (canClose && count > 0) {
    const opener = openers.findLast((each) => each.char === char)
    if (!opener) break
    const used = Math.min(count, opener.count, 2)
    count -= used
    opener.count -= used
    // What opened after it and was not closed stays text.
    openers.length = openers.indexOf(opener) + (opener.count > 0 ? 1 : 0)
  }
  if (canOpen && count > 0) openers.push({ char, count, at })
}

function isPunctuation(char: string): boolean {
  return /[\p{P}\p{S}]/u.test(char)
}

/** Ends all emphasis that is open; marks with nothing behind them go. */
function closeAll(text: string, openers: readonly Opener[]): string {
  let out = text
  const open = [...openers]
  for (let last = open.at(-1); last; last = open.at(-1)) {
    const content = out.slice(last.at).replace(/^[*_~]+/, '')
    if (content.trim() !== '') break
    out = out.slice(0, last.at)
    open.pop()
  }
  if (open.length === 0) return out
  return (
    out.trimEnd() +
    open
      .map(({ char, count }) => char.repeat(count))
      .reverse()
      .join('')
  )
}

function runAt(text: string, index: number): string {
  let end = index + 1
  while (text[end] === text[index]) end++
  return text.slice(index, end)
}

/** Where code that was opened by a run of backticks ends; -1 when it does not. */
function closingRun(text: string, from: number, mark: string): number {
  for (let index = text.indexOf('`', from); index !== -1; index = text.indexOf('`', index)) {
    const run = runAt(text, index)
    index += run.length
    if (run.length === mark.length) {
      // More backticks may follow and make it another run.
      return index === text.length ? -1 : index
    }
  }
  return -1
}

/** Where a link's address ends, brackets in it counted; -1 when it does not. */
function linkEnd(text: string, from: number): number {
  let depth = 0
  for (let index = from; index < text.length; index++) {
    const char = text[index]
    if (char === '\n') return index
    if (char === '(') depth++
    if (char === ')' && --depth === 0) return index + 1
  }
  return -1
}

type Taken =
  { readonly kind: 'open'; readonly source: string } | { readonly kind: 'text'; readonly end: number }

/** What a dollar begins: a formula that is whole or a price (`end` is behind it), or a formula that is being written. */
function takeFormula(text: string, index: number): Taken {
  const isDouble = text[index + 1] === '$'
  const width = isDouble ? 2 : 1
  const before = text[index - 1] ?? ' '
  if (index + width >= text.length) return { kind: 'open', source: '' }
  if (isDouble) {
    const end = text.indexOf('$$', index + 2)
    return end === -1
      ? { kind: 'open', source: text.slice(index + 2).replace(/[$\\]$/, '') }
      : { kind: 'text', end: end + 2 }
  }
  if (/\w/.test(before) || /\s/.test(text[index + 1] ?? ' ')) return { kind: 'text', end: index + 1 }
  for (let end = index + 1; end < text.length; end++) {
    if (text[end] === '\\') end++
    else if (text[end] === '$') {
      const source = text.slice(index + 1, end)
      if (/\w/.test(text[end + 1] ?? ' ') || !isFormula(source)) return { kind: 'text', end: index + 1 }
      // A digit that follows would make it a price.
      return end === text.length - 1 ? { kind: 'open', source } : { kind: 'text', end: end + 1 }
    }
  }
  const source = text.slice(index + 1)
  // "$HOME/bin" and "$variable" are no formulas, "$ABC$" and "$ma = F$" are: what follows the word tells.
  const [, afterWord] = /^[a-zA-Z_]\w+([^]*)$/.exec(source) ?? []
  if (afterWord?.trim() === '') return { kind: 'open', source: '' }
  if (afterWord !== undefined && !/^\s*(?:[=<>+*\\^({|]|-(?!>))/.test(afterWord))
    return { kind: 'text', end: index + 1 }
  const isBegun = /^[a-zA-Z\\({|-]/.test(source) ? !/\s[a-zA-Z]{4,}\s/.test(source) : /[\\^_{]/.test(source)
  return isBegun ? { kind: 'open', source } : { kind: 'text', end: index + 1 }
}

/** The source of a formula that is not whole, as code. */
function asCode(source: string): string {
  const shown = source.trim()
  if (shown === '') return ''
  const fence = shown.includes('`') ? '``' : '`'
  return `${fence}${shown}${fence}`
}
