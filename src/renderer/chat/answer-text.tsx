import { memo, useMemo } from 'react'
import type { Answer } from '../../contract/conversation.ts'
import { splitThoughts } from '../../contract/thoughts.ts'
import { Markdown } from '../markdown/markdown.tsx'
import { Thought } from '../markdown/thought.tsx'

type AnswerTextProps = {
  readonly text: string
  readonly thoughts: Answer['thoughts']
  readonly isGrowing: boolean
}

/** What a model has written: its thoughts folded, the rest as Markdown. */
export const AnswerText = memo(function AnswerText({ text, thoughts, isGrowing }: AnswerTextProps) {
  const parts = useMemo(() => splitThoughts(text, { isGrowing }), [text, isGrowing])
  let thought = 0
  return (
    <>
      {parts.map((part, index) => {
        if (part.kind === 'answer') {
          const isLast = index === parts.length - 1
          return <Markdown key={index} text={part.text} isGrowing={isGrowing && isLast} />
        }
        const time = thoughts?.[thought++]
        // Models that were told not to think leave an empty one.
        const isEmpty = part.text === '' && !part.isOpen
        return isEmpty ? null : <Thought key={index} text={part.text} isOpen={part.isOpen} time={time} />
      })}
      {isGrowing && parts.every(({ kind, isOpen }) => kind === 'thought' && !isOpen) && (
        <Markdown key={parts.length} text="" isGrowing />
      )}
    </>
  )
})
