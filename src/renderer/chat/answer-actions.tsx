import type { Answer, Turn } from '../../contract/conversation.ts'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { useApp } from '../store.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { IconButton } from '../ui/icon-button.tsx'
import { Menu, type MenuItem } from '../ui/menu.tsx'
import styles from './answer-actions.module.css'
import { isAutoNext } from './auto-choice.ts'
import {
  answersTogether,
  askAgain,
  askChosen,
  branchFrom,
  checkAnswer,
  continueAnswer,
  deleteTurn,
  showSideBySide,
  startEdit,
  undoEdit,
  wasCut,
} from './turn-actions.ts'

type AnswerActionsProps = { readonly answer: Answer; readonly turn: Turn }

/** What can be done with an answer that has ended. What is not possible now the host says when it is asked. */
export function AnswerActions({ answer, turn }: AnswerActionsProps) {
  const { id, modelId, modelName, text } = answer
  const isAuto = useApp(isAutoNext)
  const canCheck = text !== '' && answer.verification?.outcome.kind !== 'checking'
  const items: MenuItem[] = [
    ...(wasCut(answer)
      ? [{ label: 'Continue', icon: 'play', onSelect: () => void continueAnswer(id) } as const]
      : []),
    {
      label: isAuto ? 'Ask whom Auto finds' : 'Ask the chosen model',
      icon: 'retry',
      onSelect: () => void askChosen(turn.id, answer),
    },
    ...(canCheck
      ? [{ label: 'Check this answer', icon: 'check', onSelect: () => void checkAnswer(id) } as const]
      : []),
    { label: 'Edit answer', icon: 'pencil', onSelect: () => startEdit(id, text) },
    ...(answer.isEdited === true
      ? [{ label: 'As the model wrote it', icon: 'restore', onSelect: () => void undoEdit(id) } as const]
      : []),
    ...(answersTogether(turn).length > 1 && !turn.isUndecided
      ? [{ label: 'Side by side', icon: 'columns', onSelect: () => showSideBySide(turn.id, true) } as const]
      : []),
    { label: 'Branch from here', icon: 'branch', onSelect: () => void branchFrom(turn.id) },
    { label: 'Delete turn', icon: 'trash', danger: true, onSelect: () => void deleteTurn(turn.id) },
  ]
  return (
    <span className={styles['actions']}>
      {text !== '' && <CopyButton label="Copy answer" text={() => withoutThoughts(text)} />}
      <IconButton
        icon="retry"
        label="Ask again"
        title={`Ask ${modelName} again`}
        onClick={() => void askAgain(turn.id, [modelId])}
      />
      <Menu label={`Actions for the answer by ${modelName}`} items={items} />
    </span>
  )
}
