import { memo, useState } from 'react'
import type { Turn } from '../../contract/conversation.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { formatCount } from '../ui/format.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { AnswerColumns } from './answer-columns.tsx'
import { AnswerView } from './answer-view.tsx'
import { EditForm } from './edit-form.tsx'
import { harmlessText } from '../markdown/harmless-text.ts'
import { PlainText } from '../markdown/plain-text.tsx'
import { SentAttachments } from './sent-attachments.tsx'
import { answersTogether, sendEdit, showVersion, startEdit } from './turn-actions.ts'
import styles from './turn-view.module.css'
import { messageVersions, VersionSwitch } from './version-switch.tsx'

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
  const edit = useApp(({ edits }) => edits[turn.id])
  const isOpened = useApp(({ sideBySideIds }) => sideBySideIds.includes(turn.id))
  const together = turn.isUndecided || isOpened ? answersTogether(turn) : []
  return (
    <section className={styles['turn']} data-wide={together.length > 1 || undefined}>
      {memoryText !== null && <p className={styles['memory']}>{memoryText}</p>}
      {turn.attachments && <SentAttachments attachments={turn.attachments} />}
      {edit !== undefined ? (
        <EditForm
          id={turn.id}
          text={edit}
          label="Edit your message"
          action="Ask anew"
          hint="The message so far stays as another version"
          onDone={() => sendEdit(turn.id)}
        />
      ) : (
        <>
          {turn.text !== '' && <UserMessage text={turn.text} />}
          <MessageActions turn={turn} />
        </>
      )}
      {together.length > 1 ? (
        <AnswerColumns turn={turn} answers={together} isLast={isLast} />
      ) : (
        <AnswerView answer={chosenAnswer(turn)} turn={turn} colour={colour} isLast={isLast} />
      )}
    </section>
  )
})

/** Other versions of a message, and what can be done with it. */
function MessageActions({ turn }: { readonly turn: Turn }) {
  const { id, text, siblingIds } = turn
  return (
    <div className={styles['actions']} data-has-versions={siblingIds.length > 1 || undefined}>
      <span className={styles['tools']}>
        <CopyButton label="Copy message" text={() => text} />
        <IconButton icon="pencil" label="Edit message" onClick={() => startEdit(id, text)} />
      </span>
      <VersionSwitch
        of="message"
        place={messageVersions(siblingIds)}
        ids={siblingIds}
        shownId={id}
        onShow={showVersion}
      />
    </div>
  )
}

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
