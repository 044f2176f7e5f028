import { useMemo, useState } from 'react'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { isRunning } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { decisionText } from './routing-text.ts'
import { spokenSentences } from './sentences.ts'
import { repairedAnswer, repairText } from './verdict-text.ts'
import { usePaced } from '../markdown/use-paced.ts'

/** Sentences that stay on the page: enough for a screen reader to pick up each. */
const kept = 12

/**
 * Reads out an answer while it comes, sentence by sentence. Answers that were there when the conversation was
 * opened are left alone.
 */
export function AnswerAnnouncer({ answer }: { readonly answer: Answer | null }) {
  const [heardId, setHeardId] = useState<string | null>(null)
  if (answer && isRunning(answer) && answer.id !== heardId) setHeardId(answer.id)
  const isHeard = answer !== null && answer.id === heardId
  return (
    <div
      className="visually-hidden"
      role="log"
      aria-live="polite"
      aria-relevant="additions"
      aria-label="Answer read out"
    >
      {isHeard && <Spoken key={answer.id} answer={answer} />}
    </div>
  )
}

function Spoken({ answer }: { readonly answer: Answer }) {
  const { text, modelName, state, routing } = answer
  const repairs = useApp(({ conversation }) => repairTextOf(conversation?.turns.at(-1), answer))
  const isGrowing = isRunning(answer)
  // Taking a long answer apart in each frame is felt, and nobody hears the difference.
  const heard = usePaced(text, isGrowing ? 400 : 0)
  const sentences = useMemo(() => spokenSentences(heard, { isGrowing }), [heard, isGrowing])
  const first = Math.max(0, sentences.length - kept)
  return (
    <>
      {repairs !== null && <p>{repairs}</p>}
      {routing && <p>{decisionText(routing, modelName)}</p>}
      {/* While it waits, Auto may still give it to somebody else. */}
      {state.kind !== 'waiting' && <p>{`${modelName} answers.`}</p>}
      {sentences.slice(first).map((sentence, index) => (
        <p key={first + index}>{sentence}</p>
      ))}
      {state.kind === 'interrupted' && <p>{`Interrupted: ${state.problem.message}`}</p>}
    </>
  )
}

function repairTextOf(turn: Turn | undefined, answer: Answer): string | null {
  const failed = turn ? repairedAnswer(answer, turn) : null
  return failed ? repairText(failed) : null
}
