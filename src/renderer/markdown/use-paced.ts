import { useEffect, useEffectEvent, useState } from 'react'

/** A value that follows `value` at most every `paceMs` milliseconds; with 0 it is `value` itself. */
export function usePaced<T>(value: T, paceMs: number): T {
  const [shown, setShown] = useState(value)
  const isPaced = paceMs > 0
  // Up to date at the moment when pacing begins.
  if (!isPaced && shown !== value) setShown(value)
  const isBehind = isPaced && shown !== value
  const catchUp = useEffectEvent(() => setShown(value))
  useEffect(() => {
    if (!isBehind) return
    const timer = setTimeout(() => catchUp(), paceMs)
    return () => clearTimeout(timer)
  }, [isBehind, shown, paceMs])
  return isPaced ? shown : value
}
