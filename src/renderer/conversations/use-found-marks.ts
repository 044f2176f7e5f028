import { useEffect, useRef } from 'react'
import { findPiece, findTerms, parseQuery, type TextRange } from '../../contract/search-text.ts'
import { scrollToTurn, useApp } from '../store.ts'
import type { Finding } from './finding.ts'

/** Names of the highlights that find-bar.css colours. */
const allHits = 'found'
const thisHit = 'found-here'
/** More are not marked at once: nobody sees them. */
const maxMarks = 2000

/**
 * Marks what is looked for in the transcript, wherever it is drawn, and brings the present hit into view, once for each wish.
 * Follows what is drawn: turns come and go while the reader scrolls, and texts grow.
 */
export function useFoundMarks(): void {
  const finding = useApp((state) => state.finding)
  const isThere = useApp(
    (state) => state.conversation?.turns.some(({ id }) => id === finding?.at?.turnId) ?? false,
  )
  const shown = useRef<number | null>(null)
  useEffect(() => {
    const main = document.querySelector('main')
    if (finding === null || !main || !('highlights' in CSS)) return
    const { at, wishes } = finding
    const isNew = at !== null && isThere && shown.current !== wishes
    if (isNew) {
      const element = turnElement(at.turnId)
      if (element) element.scrollIntoView({ block: 'nearest' })
      else scrollToTurn(at.turnId)
    }
    const mark = () => {
      const here = markAll(main, finding)
      if (!at || !isThere || shown.current === wishes) return
      const place = placeElement(at)
      if (!here && place && unfold(place)) return
      // In a thought that is folded.
      const folded = here?.startContainer.parentElement?.closest('details:not([open])')
      if (folded instanceof HTMLDetailsElement) {
        folded.open = true
        return
      }
      const target = here ?? place
      if (!target) return
      shown.current = wishes
      bringIntoView(target)
    }
    mark()
    let frame = 0
    const observer = new MutationObserver(() => {
      cancelAnimationFrame(frame)
      frame = requestAnimationFrame(mark)
    })
    observer.observe(main, { childList: true, characterData: true, subtree: true })
    return () => {
      observer.disconnect()
      cancelAnimationFrame(frame)
      CSS.highlights.delete(allHits)
      CSS.highlights.delete(thisHit)
    }
  }, [finding, isThere])
}

/** Marks every hit that is drawn; the present one, if it is among them. */
function markAll(main: Element, finding: Finding): Range | null {
  const find = finderOf(finding)
  const { at } = finding
  const ranges: Range[] = []
  let here: Range | null = null
  for (const article of main.querySelectorAll('[data-turn] article')) {
    const own = rangesIn(article, find)
    const isHere =
      at !== null &&
      article.closest<HTMLElement>('[data-turn]')?.dataset['turn'] === at.turnId &&
      (article instanceof HTMLElement ? (article.dataset['answer'] ?? null) : null) === at.answerId
    // What is shown may hold fewer than the text: marks of markdown, addresses of links.
    if (isHere) here = own[Math.min(Math.max(at.index, 0), own.length - 1)] ?? null
    ranges.push(...own)
    if (ranges.length > maxMarks) break
  }
  CSS.highlights.set(allHits, new Highlight(...ranges))
  const present = new Highlight(...(here ? [here] : []))
  present.priority = 1
  CSS.highlights.set(thisHit, present)
  return here
}

function finderOf({ text, as }: Finding): (whole: string) => readonly TextRange[] {
  if (as === 'piece') return (whole) => findPiece(whole, text)
  const terms = parseQuery(text)
  return (whole) => findTerms(whole, terms)
}

/** Elements that end a line of text. */
const blocks = 'p,li,td,th,pre,h1,h2,h3,h4,h5,h6,blockquote,div,header,summary'

function rangesIn(article: Element, find: (whole: string) => readonly TextRange[]): Range[] {
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT, (node) =>
    // Not the buttons and the header with the model's name and figures.
    node.parentElement?.closest('button,header,.visually-hidden')
      ? NodeFilter.FILTER_REJECT
      : NodeFilter.FILTER_ACCEPT,
  )
  const nodes: { readonly node: Text; readonly start: number }[] = []
  let whole = ''
  let block: Element | null = null
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    // The walker shows texts only.
    const text = node as Text
    const own = text.parentElement?.closest(blocks) ?? null
    if (own !== block) whole += '\n'
    block = own
    nodes.push({ node: text, start: whole.length })
    whole += text.data
  }
  return find(whole).flatMap(({ start, end }) => {
    const from = nodes.findLast((each) => each.start <= start)
    const to = nodes.findLast((each) => each.start < end)
    if (!from || !to) return []
    const range = document.createRange()
    range.setStart(from.node, Math.min(start - from.start, from.node.length))
    range.setEnd(to.node, Math.min(end - to.start, to.node.length))
    return [range]
  })
}

function turnElement(turnId: string): HTMLElement | null {
  return document.querySelector(`[data-turn="${CSS.escape(turnId)}"]`)
}

function placeElement({ turnId, answerId }: { turnId: string; answerId: string | null }): HTMLElement | null {
  const turn = turnElement(turnId)
  return answerId === null
    ? (turn?.querySelector('article') ?? null)
    : (turn?.querySelector<HTMLElement>(`[data-answer="${CSS.escape(answerId)}"]`) ?? null)
}

/** A long message is folded, and the hit may be in the part that is not drawn; whether it has been unfolded. */
function unfold(place: HTMLElement): boolean {
  const button = place.querySelector<HTMLButtonElement>('button[aria-expanded="false"]')
  button?.click()
  return button !== null
}

/** Scrolls the transcript so that the hit is in its middle third, unless it is seen well already. */
function bringIntoView(target: Range | HTMLElement): void {
  const element = target instanceof Range ? target.startContainer.parentElement : target
  const scroller = scrollerOf(element)
  if (!element || !scroller) return
  const view = scroller.getBoundingClientRect()
  const box = target.getBoundingClientRect()
  if (box.top >= view.top + 56 && box.bottom <= view.bottom - 24) return
  scroller.scrollTop += box.top - view.top - view.height / 3
  if (target instanceof Range) revealSideways(element, target)
}

/** A line of code or a table's cell may be scrolled out of sight to the side. */
function revealSideways(element: Element, range: Range): void {
  const box = element.closest('pre, [role="group"], table')
  for (let each = box; each instanceof HTMLElement && each.tagName !== 'ARTICLE'; each = each.parentElement) {
    if (each.scrollWidth <= each.clientWidth) continue
    const [view, hit] = [each.getBoundingClientRect(), range.getBoundingClientRect()]
    if (hit.left < view.left || hit.right > view.right)
      each.scrollLeft += hit.left - view.left - view.width / 3
  }
}

function scrollerOf(element: Element | null): Element | null {
  for (let each = element; each; each = each.parentElement) {
    if (each.scrollHeight > each.clientHeight + 1 && /auto|scroll/.test(getComputedStyle(each).overflowY))
      return each
  }
  return null
}
