import { ownText } from './own-text.ts'

/** A part of an answer that is drawn by itself, so that a growing answer redraws only its last part. */
export type MarkdownBlock =
  /** `definitions`: of links and footnotes that it names, wherever they stand. */
  | { readonly kind: 'text'; readonly text: string; readonly definitions?: string }
  /** A fenced code block at the outermost level; `isOpen` while its closing fence has not come. */
  | { readonly kind: 'code'; readonly language: string; readonly code: string; readonly isOpen: boolean }
  /** A formula on lines of its own. */
  | { readonly kind: 'formula'; readonly source: string; readonly isOpen: boolean }

const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/
const openingFence = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})\s*([^\s`]*)/
const nestedFence = /^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}|~{3,})/
const openingFormula = /^( {0,3})(\$\$|\\\[)(.*)$/
const nestedFormula = /^(\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)*)(\$\$|\\\[)(.*)$/
const definition = /^ {0,3}\[([^\]]{1,200})\]:(?:\s|$)/
const halfFence = /^ {0,3}(?:`{1,2}|~{1,2}|`{3,}[^`]*|~{3,}.*)$/

/**
 * Cuts Markdown at blank lines, code fences and formulas into blocks that mean the same alone as together: lists, nested
 * fences and indented code stay whole, and link definitions and footnotes go along with each block that names them.
 * With `isGrowing` a line at the end that is or may become a fence is held back until it is whole. Takes time in proportion to the text.
 */
export function splitBlocks(
  text: string,
  { isGrowing }: { readonly isGrowing: boolean },
): readonly MarkdownBlock[] {
  const lines = text.split('\n')
  if (isGrowing && halfFence.test(lines.at(-1) ?? '')) lines.pop()
  const blocks: MarkdownBlock[] = []
  const definitions = new Map<string, string>()
  let current: string[] = []
  let isList = false
  let fence: string | null = null
  const endText = () => {
    const joined = current.join('\n').replace(/\n+$/, '')
    if (joined.trim() !== '') blocks.push({ kind: 'text', text: ownText(joined) })
    current = []
    isList = false
    fence = null
  }
  const nextFilled = nextFilledLines(lines)
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    // 1. Inside a fence that belongs to a list item: only its end matters.
    if (fence !== null) {
      current.push(line)
      if (closes(line, fence)) fence = null
      continue
    }
    // 2. A fence at the outermost level is a block of its own.
    const opening = openingFence.exec(line)
    if (opening && !(isList && opening[1] !== '')) {
      endText()
      const [, indent = '', mark = '', language = ''] = opening
      const code: string[] = []
      let isOpen = true
      for (index++; index < lines.length; index++) {
        const inner = lines[index] ?? ''
        isOpen = !closes(inner, mark)
        if (!isOpen) break
        code.push(inner.startsWith(indent) ? inner.slice(indent.length) : inner.trimStart())
      }
      // The line that is about to begin would come and go before the closing fence.
      if (isOpen && isGrowing && code.at(-1) === '') code.pop()
      blocks.push({ kind: 'code', language: ownText(language), code: ownText(code.join('\n')), isOpen })
      continue
    }
    // 3. So is a formula that begins a line and ends one.
    const isNested = isList || listItem.test(line)
    const formula = takeFormula(lines, index, { isGrowing, isNested })
    if (formula && isNested) {
      isList = true
      current.push(...fencedFormula(formula))
      index = formula.lastIndex
      continue
    }
    if (formula) {
      endText()
      blocks.push({ kind: 'formula', source: ownText(formula.source), isOpen: formula.isOpen })
      index = formula.lastIndex
      continue
    }
    // 4. Link definitions and footnotes reach across blocks: kept aside, with the lines that continue them.
    const defined = definition.exec(line)?.[1]
    if (defined !== undefined && current.length === 0) {
      const own = [line]
      while (/^\s+\S/.test(lines[index + 1] ?? '')) own.push(lines[++index] ?? '')
      definitions.set(defined.toLowerCase(), own.join('\n'))
      continue
    }
    // 5. A blank line ends a block, unless what follows belongs to it.
    if (line.trim() === '') {
      const next = lines[nextFilled[index] ?? lines.length]
      const goesOn =
        next !== undefined &&
        current.length > 0 &&
        (/^(?: {4}|\t)/.test(next) || (isList && (/^\s{2}/.test(next) || listItem.test(next))))
      if (goesOn) current.push(line)
      else endText()
      continue
    }
    // 6. Anything else is text.
    isList ||= listItem.test(line)
    if (isList) fence = nestedFence.exec(line)?.[1] ?? null
    current.push(line)
  }
  endText()
  return definitions.size === 0 ? blocks : blocks.map((block) => withDefinitions(block, definitions))
}

/** For each line the first one from it on that is not blank; the number of lines where there is none. */
function nextFilledLines(lines: readonly string[]): readonly number[] {
  const next = new Array<number>(lines.length)
  let filled = lines.length
  for (let index = lines.length - 1; index >= 0; index--) {
    if ((lines[index] ?? '').trim() !== '') filled = index
    next[index] = filled
  }
  return next
}

type TakenFormula = {
  /** What stands before it on its line: white space, and the marks of items. */
  readonly before: string
  readonly source: string
  readonly isOpen: boolean
  readonly lastIndex: number
}

/** The languages that stand for formulas in lists: whole ones, and such as are being written. */
export const formulaLanguages = { whole: 'math', open: 'math-open' } as const

/** A formula in a list as code of a language of its own: no line of it is an item, a heading or the end of the list then. */
function fencedFormula({ before, source, isOpen }: TakenFormula): readonly string[] {
  const indent = before.replaceAll(/\S/g, ' ')
  const lines = source.split('\n').map((line) => `${indent}${line.trim()}`)
  const language = isOpen ? formulaLanguages.open : formulaLanguages.whole
  return [`${before}\`\`\`\`${language}`, ...lines, ...(isOpen ? [] : [`${indent}\`\`\`\``])]
}

/** So many lines a formula may have: a mark that nothing closes must not take the rest of an answer. */
const formulaLines = 200

/** The formula that begins at a line; null when none does, or when text follows on the line that ends it. */
function takeFormula(
  lines: readonly string[],
  first: number,
  { isGrowing, isNested }: { readonly isGrowing: boolean; readonly isNested: boolean },
): TakenFormula | null {
  const opening = (isNested ? nestedFormula : openingFormula).exec(lines[first] ?? '')
  if (!opening) return null
  const [, before = '', mark = '', rest = ''] = opening
  const closing = mark === '$$' ? '$$' : '\\]'
  const source: string[] = []
  for (let index = first; index < Math.min(lines.length, first + formulaLines); index++) {
    const line = index === first ? rest : (lines[index] ?? '')
    const at = line.indexOf(closing)
    if (at !== -1) {
      if (line.slice(at + closing.length).trim() !== '') return null
      source.push(line.slice(0, at))
      return { before, source: source.join('\n').trim(), isOpen: false, lastIndex: index }
    }
    // A fence inside of it: that mark was no formula's.
    if ((isNested ? nestedFence : openingFence).test(line)) return null
    source.push(line)
  }
  if (!isGrowing || lines.length - first >= formulaLines) return null
  // The half of the closing mark is no part of it.
  return {
    before,
    source: source
      .join('\n')
      .replace(/[$\\]$/, '')
      .trim(),
    isOpen: true,
    lastIndex: lines.length - 1,
  }
}

function withDefinitions(block: MarkdownBlock, definitions: ReadonlyMap<string, string>): MarkdownBlock {
  if (block.kind !== 'text' || !block.text.includes('[')) return block
  const names = new Set(
    [...block.text.matchAll(/\[([^[\]]{1,200})\]/g)].map(([, name = '']) => name.toLowerCase()),
  )
  const own = [...names].flatMap((name) => definitions.get(name) ?? [])
  return own.length === 0 ? block : { ...block, definitions: own.join('\n\n') }
}

function closes(line: string, fence: string): boolean {
  const trimmed = line.trim()
  return trimmed.length >= fence.length && trimmed === (fence[0] ?? '').repeat(trimmed.length)
}
