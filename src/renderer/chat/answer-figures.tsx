import { Fragment } from 'react'
import type { Answer, AnswerStats } from '../../contract/conversation.ts'
import { formatCount, formatDuration, formatSpeed } from '../ui/format.ts'
import { HoverCard } from '../ui/hover-card.tsx'
import { describeSampling } from '../ui/sampling-layers.ts'
import styles from './answer-figures.module.css'

type AnswerFiguresProps = {
  readonly answer: Answer
  readonly stats: AnswerStats
}

const times = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' })

/** What an answer cost, in one line; all of it on pointing or focus. */
export function AnswerFigures({ answer, stats }: AnswerFiguresProps) {
  const { promptTokens, reusedTokens, generatedTokens, timeToFirstTokenMs, tokensPerSecond } = stats
  const readTokens = promptTokens - reusedTokens
  const parts = [
    `${formatDuration(timeToFirstTokenMs)} to first token`,
    tokensPerSecond === null ? null : formatSpeed(tokensPerSecond),
    reusedTokens === 0
      ? `${formatCount(readTokens)} read`
      : `${formatCount(readTokens)} read, ${formatCount(reusedTokens)} reused`,
    `${formatCount(generatedTokens)} generated`,
  ]
  const rows = () => [
    ['Model', answer.modelName],
    ['Time to first token', formatDuration(timeToFirstTokenMs)],
    ['Prompt', `${formatCount(promptTokens)} tokens`],
    ['— read now', formatCount(readTokens)],
    ['— reused from the KV cache', formatCount(reusedTokens)],
    ['Generated', `${formatCount(generatedTokens)} tokens`],
    ['Decoding speed', tokensPerSecond === null ? 'too short to tell' : formatSpeed(tokensPerSecond)],
    ...(stats.draft ? [draftRow(stats.draft)] : []),
    ...(answer.sampling ? [['Sampling', describeSampling(answer.sampling)]] : []),
    ...(answer.isJson === true ? [['Form', 'JSON, as a schema asks']] : []),
    ['Asked', times.format(answer.createdAt)],
  ]
  return (
    <HoverCard
      className={styles['figures']}
      details={() => (
        <dl className={styles['details']}>
          {rows().map(([term, value]) => (
            <div key={term}>
              <dt>{term}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    >
      {parts
        .filter((part) => part !== null)
        .map((part, index) => (
          <Fragment key={part}>
            {index > 0 && ' · '}
            <span className={styles['part']}>{part}</span>
          </Fragment>
        ))}
    </HoverCard>
  )
}

/** What wrote ahead, and how much of it the model would have written itself: "12 of 20 drafted tokens accepted, 60 %". */
function draftRow({ kind, name, proposedTokens, acceptedTokens }: NonNullable<AnswerStats['draft']>) {
  const by = kind === 'lookup' ? 'looked up in the conversation' : `by ${name ?? 'a draft model'}`
  const share = formatCount((100 * acceptedTokens) / Math.max(1, proposedTokens))
  return [
    'Drafted',
    `${formatCount(acceptedTokens)} of ${formatCount(proposedTokens)} drafted tokens accepted, ${share} %, ${by}`,
  ]
}
