import { useEffect, useState, type KeyboardEvent } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { SearchHit, SearchResult, TextPiece } from '../../contract/search.ts'
import { host, useApp } from '../store.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { useToday } from '../ui/use-today.ts'
import { openHit } from './finding.ts'
import styles from './search.module.css'

/** So many hits are shown at first, and so many more at each press. */
const pageHits = 50

/** What a search has found; each hit opens its conversation there. */
export function SearchResults({ query, onDone }: { readonly query: string; readonly onDone: () => void }) {
  const [wanted, setWanted] = useState({ query, limit: pageHits })
  const limit = wanted.query === query ? wanted.limit : pageHits
  const answer = useSearch(query, limit)
  const today = useToday()
  const openTurn = useApp((state) => state.finding?.at ?? null)
  if (answer === null) return <div className={styles['results']} aria-busy="true" />
  if (answer.kind === 'problem') {
    return (
      <div className={styles['results']}>
        <ProblemText problem={answer.problem} />
      </div>
    )
  }
  const { hits, hasMore } = answer.result
  return (
    // The arrow keys move between the hits, which are the controls.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div className={styles['results']} onKeyDown={(event) => move(event, onDone)}>
      <p className={styles['summary']} role="status">
        {hits.length === 0
          ? 'Nothing found. All words have to be in one message, answer or title.'
          : `${String(hits.length)}${hasMore ? ' or more' : ''} ${hits.length === 1 ? 'hit' : 'hits'}`}
      </p>
      <ul>
        {hits.map((hit) => (
          <li key={`${hit.kind} ${hit.turnId ?? hit.conversationId} ${hit.answerId ?? ''}`}>
            <button
              type="button"
              data-hit=""
              data-row={hit.conversationId}
              aria-current={
                openTurn !== null && openTurn.turnId === hit.turnId && openTurn.answerId === hit.answerId
                  ? 'true'
                  : undefined
              }
              onClick={() => void openHit(hit, answer.query)}
            >
              <span className={styles['title']}>
                <Pieces pieces={hit.title} />
              </span>
              {hit.snippet.length > 0 && (
                <span className={styles['snippet']}>
                  <Pieces pieces={hit.snippet} />
                </span>
              )}
              <span className={styles['facts']}>{factsOf(hit, today).join(' · ')}</span>
            </button>
          </li>
        ))}
      </ul>
      {hasMore && (
        <button
          type="button"
          className={styles['more']}
          onClick={() => setWanted({ query, limit: Math.min(500, limit + pageHits) })}
          disabled={limit >= 500}
        >
          {limit >= 500 ? 'Add a word to find fewer' : 'Show more'}
        </button>
      )}
    </div>
  )
}

function Pieces({ pieces }: { readonly pieces: readonly TextPiece[] }) {
  // Their order is all that they have.
  return pieces.map(({ text, isHit }, index) => (isHit ? <mark key={index}>{text}</mark> : text))
}

type Answer =
  | { readonly kind: 'found'; readonly query: string; readonly result: SearchResult }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** What the host finds for the query. While it looks, what was found before stays; null when there is none yet. */
function useSearch(query: string, limit: number): Answer | null {
  const [answer, setAnswer] = useState<Answer | null>(null)
  const client = useApp((state) => state.client)
  // What is said, renamed or deleted meanwhile changes what is found.
  const conversations = useApp((state) => state.conversations)
  useEffect(() => {
    const abort = new AbortController()
    void (async () => {
      try {
        const result = await host().conversations.search({ query, limit }, { signal: abort.signal })
        if (!abort.signal.aborted) setAnswer({ kind: 'found', query, result })
      } catch (error) {
        if (!abort.signal.aborted) setAnswer({ kind: 'problem', problem: toProblem(error) })
      }
    })()
    return () => abort.abort()
  }, [query, limit, client, conversations])
  return answer
}

function move(event: KeyboardEvent, onDone: () => void): void {
  if (!(event.target instanceof Element) || !event.target.matches('[data-hit]')) return
  const hits = [...event.currentTarget.querySelectorAll<HTMLElement>('[data-hit]')]
  const at = hits.findIndex((hit) => hit === event.target)
  const search = document.querySelector<HTMLElement>('[data-search]')
  const to = { ArrowDown: hits[at + 1], ArrowUp: hits[at - 1] ?? search, Home: hits[0], End: hits.at(-1) }[
    event.key
  ]
  if (event.key === 'Escape') {
    onDone()
    search?.focus()
  } else if (to) to.focus()
  else return
  event.preventDefault()
  event.stopPropagation()
}

const days = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })
const daysOfYears = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' })
const times = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

function factsOf({ kind, modelName, at, isArchived }: SearchHit, today: number): readonly string[] {
  const who = { title: [], message: ['You'], answer: [modelName ?? 'Answer'], attachment: ['Attachment'] }[
    kind
  ]
  const isThisYear = new Date(at).getFullYear() === new Date(today).getFullYear()
  const when = at >= today ? `Today ${times.format(at)}` : (isThisYear ? days : daysOfYears).format(at)
  return [...who, when, ...(isArchived ? ['Archived'] : [])]
}
