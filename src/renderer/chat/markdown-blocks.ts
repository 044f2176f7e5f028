/** A part of an answer that is drawn by itself, so that a growing answer redraws only its last part. */
export type MarkdownBlock =
  | { readonly kind: 'text'; readonly text: string }
  /** A fenced code block at the outermost level; `isOpen` while its closing fence has not come. */
  | { readonly kind: 'code'; readonly language: string; readonly code: string; readonly isOpen: boolean }

const listItem = /^ {0,3}(?:[-*+]|\d{1,9}[.)])(?:\s|$)/
const openingFence = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,})\s*([^\s`]*)/
const nestedFence = /^\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)*(`{3,}|~{3,})/
const definition = /^ {0,3}\[[^\]]+\]:\s/
const halfFence = /^ {0,3}(?:`{1,2}|~{1,2})$/

/**
 * Cuts Markdown at blank lines and code fences into blocks that mean the same alone as together: lists, nested
 * fences and indented code stay whole, and a text with link definitions or footnotes stays in one block.
 * With `isGrowing` a line at the end that may become a fence is held back.
 */
export function splitBlocks(
  text: string,
  { isGrowing }: { readonly isGrowing: boolean },
): readonly MarkdownBlock[] {
  const lines = text.split('\n')
  if (isGrowing && halfFence.test(lines.at(-1) ?? '')) lines.pop()
  const blocks: MarkdownBlock[] = []
  const current: { lines: string[]; isList: boolean; fence: string | null } = {
    lines: [],
    isList: false,
    fence: null,
  }
  const endText = () => {
    const joined = current.lines.join('\n').replace(/\n+$/, '')
    if (joined.trim() !== '') blocks.push({ kind: 'text', text: joined })
    current.lines = []
    current.isList = false
    current.fence = null
  }
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? ''
    // 1. Inside a fence that belongs to a list item: only its end matters.
    if (current.fence !== null) {
      current.lines.push(line)
      if (closes(line, current.fence)) current.fence = null
      continue
    }
    // 2. A fence at the outermost level is a block of its own.
    const opening = openingFence.exec(line)
    if (opening && !(current.isList && opening[1] !== '')) {
      endText()
      const [, indent = '', fence = '', language = ''] = opening
      const code: string[] = []
      let isOpen = true
      for (index++; index < lines.length; index++) {
        const inner = lines[index] ?? ''
        isOpen = !closes(inner, fence)
        if (!isOpen) break
        code.push(inner.startsWith(indent) ? inner.slice(indent.length) : inner.trimStart())
      }
      // The line that is about to begin would come and go before the closing fence.
      if (isOpen && isGrowing && code.at(-1) === '') code.pop()
      blocks.push({ kind: 'code', language, code: code.join('\n'), isOpen })
      continue
    }
    // 3. Link definitions and footnotes reach across blocks.
    if (definition.test(line)) return [{ kind: 'text', text }]
    // 4. A blank line ends a block, unless what follows belongs to it.
    if (line.trim() === '') {
      const next = lines.slice(index + 1).find((later) => later.trim() !== '')
      const goesOn =
        next !== undefined &&
        (/^(?: {4}|\t)/.test(next) || (current.isList && (/^\s{2}/.test(next) || listItem.test(next))))
      if (goesOn) current.lines.push(line)
      else endText()
      continue
    }
    // 5. Anything else is text.
    current.isList ||= listItem.test(line)
    if (current.isList) current.fence = nestedFence.exec(line)?.[1] ?? null
    current.lines.push(line)
  }
  endText()
  return blocks
}

function closes(line: string, fence: string): boolean {
  const trimmed = line.trim()
  return trimmed.length >= fence.length && trimmed === (fence[0] ?? '').repeat(trimmed.length)
}
