import { useMemo, useState } from 'react'
import type { Answer } from '../../contract/conversation.ts'
import { isRunning } from '../conversation-mirror.ts'
import { spokenSentences } from './sentences.ts'
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
  const { text, modelName, state } = answer
  const isGrowing = isRunning(answer)
  // Taking a long answer apart in each frame is felt, and nobody hears the difference.
  const heard = usePaced(text, isGrowing ? 400 : 0)
  const sentences = useMemo(() => spokenSentences(heard, { isGrowing }), [heard, isGrowing])
  const first = Math.max(0, sentences.length - kept)
  return (
    <>
      <p>{`${modelName} answers.`}</p>
      {sentences.slice(first).map((sentence, index) => (
        <p key={first + index}>{sentence}</p>
      ))}
      {state.kind === 'interrupted' && <p>{`Interrupted: ${state.problem.message}`}</p>}
    </>
  )
}
