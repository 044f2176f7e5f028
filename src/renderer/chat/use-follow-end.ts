import { useCallback, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { followsEnd, type ScrollPlace } from './scroll-end.ts'

/** What a scroller that follows its end needs. */
export type FollowEnd = {
  readonly scroller: RefObject<HTMLDivElement | null>
  /** The scroller's content, whose growth is followed. */
  readonly content: RefObject<HTMLDivElement | null>
  /** False while the reader is further up. */
  readonly isFollowing: boolean
  readonly jumpToEnd: () => void
  /** Stays where it is from now on, also while it grows. */
  readonly letGo: () => void
}

/** Keeps a scroller at its end while content grows, unless the reader has moved up. A new `newestId` goes to the end; without one there is none. */
export function useFollowEnd(newestId: string | undefined): FollowEnd {
  const scroller = useRef<HTMLDivElement>(null)
  const content = useRef<HTMLDivElement>(null)
  const following = useRef(true)
  const [isFollowing, setIsFollowing] = useState(true)
  const hasEnd = newestId !== undefined

  useLayoutEffect(() => {
    const box = scroller.current
    const inner = content.current
    if (!box || !inner || !hasEnd) return
    const place = { last: placeOf(box) }
    const stay = () => {
      if (following.current) box.scrollTop = box.scrollHeight
      place.last = placeOf(box)
    }
    const onScroll = () => {
      const now = placeOf(box)
      following.current = followsEnd(following.current, place.last, now)
      place.last = now
      setIsFollowing(following.current)
    }
    // Runs between layout and paint, so that the end never leaves the screen for a frame.
    const observer = new ResizeObserver(stay)
    observer.observe(inner)
    observer.observe(box)
    box.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      observer.disconnect()
      box.removeEventListener('scroll', onScroll)
    }
  }, [hasEnd])

  const jumpToEnd = useCallback(() => {
    following.current = true
    setIsFollowing(true)
    const box = scroller.current
    if (box) box.scrollTop = box.scrollHeight
  }, [])

  const letGo = useCallback(() => {
    following.current = false
    setIsFollowing(false)
  }, [])

  useLayoutEffect(() => {
    following.current = true
    const box = scroller.current
    if (box && newestId !== undefined) box.scrollTop = box.scrollHeight
  }, [newestId])

  return { scroller, content, isFollowing, jumpToEnd, letGo }
}

function placeOf({ scrollTop, scrollHeight, clientHeight }: HTMLElement): ScrollPlace {
  return { scrollTop, scrollHeight, clientHeight }
}
