import { useEffect, useMemo, useState } from 'react'
import { knownLanguage } from './code-languages.ts'
import { loadHighlight, loadedHighlight, mayHighlight, type CodeLine, type Highlight } from './highlight.ts'
import { ownText } from './own-text.ts'
import { usePaced } from './use-paced.ts'

/** Blocks up to this many characters are highlighted as they are drawn: about 4 ms. Longer ones a moment later. */
const atOnceCharacters = 3000

/**
 * Lines of code with their tokens. What was highlighted stays so while the block grows; lines that are newer than that are
 * plain until their turn comes.
 */
export function useHighlight(
  code: string,
  { language, isGrowing }: { language: string; isGrowing: boolean },
): readonly CodeLine[] {
  const highlight = useLoaded(language)
  // Without a highlighter, or too long for it, all of it stays plain; a block that grows past the limit keeps its colours.
  const paceMs = isGrowing ? paceOf(code.length) : 0
  const paced = usePaced(code, paceMs)
  const isLong = paced.length > atOnceCharacters && !isGrowing
  const [isIdle, setIsIdle] = useState(!isLong)
  useEffect(() => {
    if (isIdle || highlight === null) return
    return whenIdle(() => setIsIdle(true))
  }, [isIdle, highlight])
  const lines = useMemo(
    () => (highlight !== null && isIdle && mayHighlight(paced) ? highlight(paced) : null),
    [highlight, isIdle, paced],
  )
  return useMemo(() => withNewer(lines, paced, code), [lines, paced, code])
}

function useLoaded(language: string): Highlight | null {
  const known = knownLanguage(language)
  const [arrived, setArrived] = useState<{ readonly known: string; readonly highlight: Highlight } | null>(
    null,
  )
  const there = known === null ? null : loadedHighlight(known)
  const isMissing = known !== null && there === null
  useEffect(() => {
    if (!isMissing) return
    let isOver = false
    loadHighlight(known).then(
      (highlight) => {
        if (!isOver) setArrived({ known, highlight })
      },
      // Code without colours is still code.
      () => undefined,
    )
    return () => {
      isOver = true
    }
  }, [known, isMissing])
  return there ?? (arrived !== null && arrived.known === known ? arrived.highlight : null)
}

/** Highlighted lines, and what has come since as plain text behind them. */
function withNewer(lines: readonly CodeLine[] | null, paced: string, code: string): readonly CodeLine[] {
  if (lines === null) return code.split('\n').map(plainLine)
  const newer = code.startsWith(paced) ? code.slice(paced.length) : null
  if (newer === null) return code.split('\n').map(plainLine)
  if (newer === '') return lines
  const [first = '', ...rest] = newer.split('\n')
  const last = lines.at(-1) ?? []
  return [
    ...lines.slice(0, -1),
    first === '' ? last : [...last, { text: first, kind: null }],
    ...rest.map(plainLine),
  ]
}

function plainLine(text: string): CodeLine {
  return text === '' ? [] : [{ text: ownText(text), kind: null }]
}

/** How often a growing block is highlighted, in milliseconds: highlighting takes about 1 ms per 1,000 characters. */
function paceOf(length: number): number {
  return length < 1500 ? 0 : Math.min(1000, 50 * Math.ceil(length / 1500))
}

/** Calls `work` when the page has nothing else to do, and soon in any case; how to take that back. */
function whenIdle(work: () => void): () => void {
  // Safari has no idle callbacks.
  if (!('requestIdleCallback' in window)) {
    const timer = setTimeout(work, 50)
    return () => clearTimeout(timer)
  }
  const handle = requestIdleCallback(work, { timeout: 500 })
  return () => cancelIdleCallback(handle)
}
