import { memo, useEffect, useState } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import styles from './change-view.module.css'
import type { ChangePart } from './word-change.ts'

type ChangeViewProps = { readonly before: string; readonly after: string }

type Compared = ChangeViewProps & { readonly parts: readonly ChangePart[]; readonly text: string }

/** Two texts as one: what was taken out is struck through, what was put in underlined, and both are said to those who only hear them. */
export const ChangeView = memo(function ChangeView({ before, after }: ChangeViewProps) {
  const [compared, setCompared] = useState<Compared | Problem | null>(null)
  useEffect(() => {
    const over = { isOver: false }
    const compare = async (): Promise<Compared> => {
      const { wordChange, changeText } = await import('./word-change.ts')
      const parts = wordChange(before, after)
      return { before, after, parts, text: changeText(parts) }
    }
    compare()
      .catch((error: unknown) => toProblem(error))
      .then((value) => {
        if (!over.isOver) setCompared(value)
      })
      .catch(() => undefined)
    return () => {
      over.isOver = true
    }
  }, [before, after])
  if (compared === null) return <p className={styles['count']}>Comparing</p>
  if ('code' in compared) return <ProblemText problem={compared} />
  return (
    <section className={styles['change']} aria-label="What changed">
      <p className={styles['count']} role="status">
        {compared.text}
      </p>
      <div className={styles['text']}>
        {compared.parts.map(({ kind, text }, index) =>
          kind === 'same' ? (
            <span key={index}>{text}</span>
          ) : kind === 'removed' ? (
            <del key={index}>
              <Heard>removed:</Heard>
              {text}
              <Heard>end of removed</Heard>
            </del>
          ) : (
            <ins key={index}>
              <Heard>added:</Heard>
              {text}
              <Heard>end of added</Heard>
            </ins>
          ),
        )}
      </div>
    </section>
  )
})

/** For those who do not see lines and colours. */
function Heard({ children }: { readonly children: string }) {
  return <span className="visually-hidden">{` [${children}] `}</span>
}
