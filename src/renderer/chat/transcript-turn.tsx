import { memo, useEffect, useRef } from 'react'
import type { Turn } from '../../contract/conversation.ts'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { useDrawn, type NearTurns } from './near-turns.ts'
import styles from './transcript-turn.module.css'
import { TurnView } from './turn-view.tsx'

type TranscriptTurnProps = {
  readonly turn: Turn
  readonly colour: number | null
  readonly isLast: boolean
  readonly memoryText: string | null
  readonly near: NearTurns
  /** Among the last ones: drawn at once, for these are seen first. */
  readonly isNearEnd: boolean
}

/**
 * A turn of the transcript. Far from what is seen, its text stands in for it: the browser finds it, knows about how long it is, and
 * neither lays it out nor reads its Markdown.
 */
export const TranscriptTurn = memo(function TranscriptTurn({
  turn,
  colour,
  isLast,
  memoryText,
  near,
  isNearEnd,
}: TranscriptTurnProps) {
  const place = useRef<HTMLDivElement>(null)
  const [isDrawn, draw] = useDrawn(near, { place, id: turn.id, isDrawnFirst: isNearEnd })
  // A turn that was last once stays drawn when another follows.
  useEffect(() => {
    if (isLast) draw(true)
  }, [isLast, draw])
  return (
    <div
      ref={place}
      className={styles['turn']}
      data-turn={turn.id}
      data-last={isLast || undefined}
      style={{ containIntrinsicBlockSize: `auto ${String(estimateHeight(turn))}rem` }}
    >
      {isDrawn || isLast ? (
        <TurnView turn={turn} colour={colour} isLast={isLast} memoryText={memoryText} />
      ) : (
        <StandIn turn={turn} />
      )}
    </div>
  )
})

/** So much of a message or an answer is found by the browser's own search before it is drawn. */
const foundCharacters = 20_000

function StandIn({ turn }: { readonly turn: Turn }) {
  return (
    <>
      <p className={styles['text']}>{turn.text.slice(0, foundCharacters)}</p>
      <p className={styles['text']}>
        {withoutThoughts(chosenAnswer(turn).text.slice(0, 2 * foundCharacters)).slice(0, foundCharacters)}
      </p>
    </>
  )
}

/** About how high a turn is, in rem: lines of 95 characters, and what stands around them. */
export function estimateHeight(turn: Turn): number {
  const linesOf = (text: string) => Math.min(400, text.length / 95 + text.split('\n', 400).length * 0.6)
  const message = Math.min(26, linesOf(turn.text))
  return Math.round(7 + 1.35 * (message + linesOf(chosenAnswer(turn).text)))
}
