import { memo, useState } from 'react'
import type { Turn } from '../../contract/conversation.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { formatCount } from '../ui/format.ts'
import { AnswerView } from './answer-view.tsx'
import { harmlessText } from './harmless-text.ts'
import { PlainText } from './plain-text.tsx'
import { SentAttachments } from './sent-attachments.tsx'
import styles from './turn-view.module.css'

type TurnViewProps = {
  readonly turn: Turn
  /** Colour of the model that answered; null when it is no longer in the library. */
  readonly colour: number | null
  readonly isLast: boolean
  /** Said above it when a model's memory of the conversation begins here. */
  readonly memoryText: string | null
}

/** A message and its answer. Drawn again only when the turn is another object. */
export const TurnView = memo(function TurnView({ turn, colour, isLast, memoryText }: TurnViewProps) {
  return (
    <section className={styles['turn']}>
      {memoryText !== null && <p className={styles['memory']}>{memoryText}</p>}
      {turn.attachments && <SentAttachments attachments={turn.attachments} />}
      {turn.text !== '' && <UserMessage text={turn.text} />}
      <AnswerView answer={chosenAnswer(turn)} turnId={turn.id} colour={colour} isLast={isLast} />
    </section>
  )
})

/** A longer message is folded, and only this much of it goes onto the page before it is unfolded. */
const foldedCharacters = 1600

const UserMessage = memo(function UserMessage({ text }: { readonly text: string }) {
  const [isWhole, setIsWhole] = useState(false)
  const isLong = text.length > foldedCharacters || text.split('\n', 31).length > 30
  const folded = text.slice(0, foldedCharacters).split('\n').slice(0, 24).join('\n')
  return (
    <article className={styles['message']} aria-label="Your message">
      <div className={styles['text']}>
        {isLong && !isWhole ? `${harmlessText(folded)} …` : <PlainText text={text} />}
      </div>
      {isLong && (
        <button
          type="button"
          className={styles['fold']}
          aria-expanded={isWhole}
          onClick={() => setIsWhole(!isWhole)}
        >
          {isWhole ? 'Show less' : `Show all ${formatCount(text.length)} characters`}
        </button>
      )}
    </article>
  )
})
