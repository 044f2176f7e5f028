import { useEffect, useState } from 'react'

const stepMs = 10_000

/** The time now in milliseconds since 1970, told anew every ten seconds: for words such as "3 min ago". */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), stepMs)
    return () => clearInterval(timer)
  }, [])
  return now
}
