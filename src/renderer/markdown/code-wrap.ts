import { useSyncExternalStore } from 'react'

const key = 'plenum:wraps-code'
const listeners = new Set<() => void>()

/** Whether long lines of code are wrapped: one choice for all blocks, remembered by this browser. */
export function useWrapsCode(): boolean {
  return useSyncExternalStore(subscribe, read, read)
}

/** Wraps the long lines of all code, or lets them run on. */
export function setWrapsCode(wraps: boolean): void {
  try {
    localStorage.setItem(key, String(wraps))
  } catch {
    // No storage here: nothing is remembered, and nothing else is lost.
  }
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function read(): boolean {
  try {
    return localStorage.getItem(key) === 'true'
  } catch {
    return false
  }
}
