import { formatBytes } from '../../contract/bytes.ts'
import type { Answer } from '../../contract/conversation.ts'
import { formatCount } from '../ui/format.ts'
import styles from './answer-progress.module.css'
import { useLoadProgress } from './use-load-progress.ts'

/** What an answer waits for; while its model (null: not found yet) loads, how much of it is there. */
export function WaitingNote({
  modelId,
  reason,
}: {
  readonly modelId: string | null
  readonly reason: string
}) {
  const { loadedBytes, weightBytes } = useLoadProgress(modelId)
  return (
    <div className={styles['note']}>
      <p>{reason}</p>
      {loadedBytes !== null && weightBytes > 0 && (
        <>
          <progress max={weightBytes} value={loadedBytes} aria-label="Weights loaded" />
          <p>{`${formatBytes(loadedBytes)} of ${formatBytes(weightBytes)}`}</p>
        </>
      )}
    </div>
  )
}

type ReadingNoteProps = { readonly state: Extract<Answer['state'], { kind: 'reading' }> }

/** How much of the conversation the model has read. */
export function ReadingNote({ state: { readTokens, promptTokens } }: ReadingNoteProps) {
  return (
    <div className={styles['note']}>
      <p>Reading</p>
      <progress max={Math.max(promptTokens, 1)} value={readTokens} aria-label="Tokens read" />
      <p>{`${formatCount(readTokens)} of ${formatCount(promptTokens)} tokens`}</p>
    </div>
  )
}
