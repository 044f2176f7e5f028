import { useState } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'

/** Runs something that the user asked for; its problem is told where it was asked, and is gone with the next attempt. */
export function useAct(): {
  readonly problem: Problem | null
  /** Never rejects. */
  readonly act: (work: () => Promise<unknown>) => Promise<void>
} {
  const [problem, setProblem] = useState<Problem | null>(null)
  const act = async (work: () => Promise<unknown>) => {
    setProblem(null)
    try {
      await work()
    } catch (error) {
      setProblem(toProblem(error))
    }
  }
  return { problem, act }
}
