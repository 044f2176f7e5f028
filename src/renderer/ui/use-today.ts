import { useSyncExternalStore } from 'react'

/** The start of the current day in local time, in milliseconds since 1970; the component is drawn again at midnight. */
export function useToday(): number {
  return useSyncExternalStore(onMidnight, startOfToday)
}

function startOfToday(): number {
  return new Date().setHours(0, 0, 0, 0)
}

function onMidnight(listener: () => void): () => void {
  const midnight = new Date()
  midnight.setHours(24, 0, 0, 0)
  const timer = setTimeout(listener, midnight.getTime() - Date.now())
  // Timers stand still while the machine sleeps.
  document.addEventListener('visibilitychange', listener)
  return () => {
    clearTimeout(timer)
    document.removeEventListener('visibilitychange', listener)
  }
}
