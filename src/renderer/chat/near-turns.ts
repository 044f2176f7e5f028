import { useCallback, useLayoutEffect, useMemo, useState, type RefObject } from 'react'

/** Turns this far from what is seen are drawn ahead, in heights of the view. */
const aheadViews = 1.5
/** So many turns, and so many CSS pixels of them, stay drawn; of more, those that left the view first go back to plain text. */
const mostDrawn = { turns: 80, height: 30_000 } as const
/** What drawing turns may take of a frame, in milliseconds; one is always drawn. */
const budgetMs = 6

type Slot = {
  readonly draw: (isDrawn: boolean) => void
  isDrawn: boolean
  isNear: boolean
  /** When it last came near or left, in CSS pixels. */
  height: number
}

/** Knows which turns of a scroller are near to what is seen, and has them drawn, a few a frame. */
export type NearTurns = {
  /** Watches a turn's element; returns how to end it. */
  readonly watch: (
    element: HTMLElement,
    options: { isDrawn: boolean; draw: (isDrawn: boolean) => void },
  ) => () => void
  /** Draws a turn now, wherever it is. */
  readonly drawNow: (element: HTMLElement) => void
}

/** The turns of a scroller, given the element that scrolls. */
export function useNearTurns(scroller: RefObject<HTMLElement | null>): NearTurns {
  return useMemo(() => createNearTurns(() => scroller.current), [scroller])
}

/** Whether a turn is drawn, and how to change that. */
export function useDrawn(
  near: NearTurns,
  { place, id, isDrawnFirst }: { place: RefObject<HTMLElement | null>; id: string; isDrawnFirst: boolean },
): readonly [boolean, (isDrawn: boolean) => void] {
  const [isDrawn, setIsDrawn] = useState(isDrawnFirst)
  const draw = useCallback((value: boolean) => setIsDrawn(value), [])
  useLayoutEffect(() => {
    const element = place.current
    return element ? near.watch(element, { isDrawn: isDrawnFirst, draw }) : undefined
    // What it was first decides nothing later.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [near, place, id, draw])
  return [isDrawn, draw]
}

function createNearTurns(scroller: () => HTMLElement | null): NearTurns {
  const slots = new Map<Element, Slot>()
  /** Turns to draw: the nearest first. */
  const waiting = new Set<Element>()
  /** Drawn turns, the one that was near longest ago first. */
  const drawn = new Set<Element>()
  const shared: { observer: IntersectionObserver | null; frame: number } = { observer: null, frame: 0 }

  const observe = (entries: readonly IntersectionObserverEntry[]) => {
    for (const { target, isIntersecting, boundingClientRect } of entries) {
      const slot = slots.get(target)
      if (!slot) continue
      slot.isNear = isIntersecting
      slot.height = boundingClientRect.height
      if (isIntersecting && !slot.isDrawn) waiting.add(target)
      else waiting.delete(target)
      if (slot.isDrawn) keep(target)
    }
    if (waiting.size > 0) shared.frame ||= requestAnimationFrame(drawSome)
    dropFar()
  }

  const drawSome = () => {
    shared.frame = 0
    const started = performance.now()
    const middle = middleOf(scroller())
    const nearest = [...waiting].sort((one, other) => distance(one, middle) - distance(other, middle))
    for (const element of nearest) {
      if (performance.now() - started > budgetMs) break
      drawOne(element)
    }
    if (waiting.size > 0) shared.frame = requestAnimationFrame(drawSome)
  }

  const drawOne = (element: Element) => {
    waiting.delete(element)
    const slot = slots.get(element)
    if (!slot || slot.isDrawn) return
    slot.isDrawn = true
    keep(element)
    slot.draw(true)
  }

  const keep = (element: Element) => {
    drawn.delete(element)
    drawn.add(element)
  }

  const dropFar = () => {
    let height = 0
    for (const element of drawn) height += slots.get(element)?.height ?? 0
    for (const element of drawn) {
      if (drawn.size <= mostDrawn.turns && height <= mostDrawn.height) return
      const slot = slots.get(element)
      // Where the focus is, or something is being written or unfolded, nothing is taken away.
      if (
        !slot ||
        slot.isNear ||
        element.matches(':focus-within, :has(textarea, details[open], [aria-expanded="true"])')
      )
        continue
      drawn.delete(element)
      height -= slot.height
      slot.isDrawn = false
      slot.draw(false)
    }
  }

  return {
    watch: (element, { isDrawn, draw }) => {
      // Made with the first turn: the scroller is on the page then.
      shared.observer ??= new IntersectionObserver(observe, {
        root: scroller(),
        rootMargin: `${String(100 * aheadViews)}% 0px`,
      })
      slots.set(element, { draw, isDrawn, isNear: isDrawn, height: 0 })
      if (isDrawn) keep(element)
      shared.observer.observe(element)
      return () => {
        shared.observer?.unobserve(element)
        slots.delete(element)
        waiting.delete(element)
        drawn.delete(element)
      }
    },
    drawNow: drawOne,
  }
}

function middleOf(scroller: HTMLElement | null): number {
  const box = scroller?.getBoundingClientRect()
  return box ? (box.top + box.bottom) / 2 : 0
}

function distance(element: Element, middle: number): number {
  const { top, bottom } = element.getBoundingClientRect()
  return top > middle ? top - middle : bottom < middle ? middle - bottom : 0
}
