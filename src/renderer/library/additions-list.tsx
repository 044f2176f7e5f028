import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import {
  acceptOffer,
  dismissAddition,
  refreshOffer,
  type Addition,
  type AdditionState,
} from '../additions.ts'
import { poolShape } from './use-preview.ts'
import { previewText } from './preview-text.ts'
import { showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import styles from './additions-list.module.css'

/** What became of the files that the user dropped or chose: one card each, until it is settled or dismissed. */
export function AdditionsList({ additions }: { readonly additions: readonly Addition[] }) {
  const isQuiet = additions.length < 3
  const list = useRef<HTMLElement>(null)
  const newestId = additions[0]?.id
  useEffect(() => list.current?.scrollTo({ top: 0 }), [newestId])
  return (
    <section ref={list} className={styles['additions']} aria-label="Added files" aria-live="polite">
      {!isQuiet && (
        <div className={styles['all']}>
          <Button look="quiet" onClick={() => additions.forEach(({ id }) => dismissAddition(id))}>
            Dismiss all
          </Button>
        </div>
      )}
      {additions.map((addition) => (
        <AdditionCard key={addition.id} addition={addition} />
      ))}
    </section>
  )
}

function AdditionCard({ addition }: { readonly addition: Addition }) {
  const { id, name, state } = addition
  const dismiss = () => dismissAddition(id)
  switch (state.kind) {
    case 'waiting':
      return (
        <Card name={name} onDismiss={dismiss} dismissName="Cancel">
          <p>Waits for the files before it</p>
        </Card>
      )
    case 'uploading':
      return (
        <Card name={name} onDismiss={dismiss} dismissName="Cancel upload">
          <p>{`Uploading: ${formatBytes(state.sentBytes)} of ${formatBytes(state.totalBytes)}`}</p>
          <progress
            className={styles['progress']}
            max={state.totalBytes}
            value={state.sentBytes}
            aria-label={`Upload of ${name}`}
          />
        </Card>
      )
    case 'checking':
      return (
        <Card name={name}>
          <p>Reading the header</p>
        </Card>
      )
    case 'refused':
      return (
        <Card name={name} tone="bad" onDismiss={dismiss}>
          <ProblemText problem={state.problem}>
            <Remedies remedies={state.problem.details.remedies ?? []} />
          </ProblemText>
        </Card>
      )
    case 'offered':
      return <Offer id={id} state={state} />
    case 'done':
      return (
        <Card name={state.model.name} colour={state.model.colour} onDismiss={dismiss}>
          <p>{doneText(state)}</p>
        </Card>
      )
    case 'folder':
      return (
        <Card name={name} onDismiss={dismiss}>
          <p>{folderText(state)}</p>
          {state.refused.map(({ path, problem }) => (
            <ProblemText key={path} problem={problem} />
          ))}
          {state.added + state.known > 0 && (
            <Button onClick={() => showDialog('library')}>Open the library</Button>
          )}
        </Card>
      )
    default:
      return state satisfies never
  }
}

function doneText({ isKnown, outcome }: Extract<AdditionState, { kind: 'done' }>): string {
  const known = isKnown ? 'Already in the library' : 'Added to the library'
  return outcome === 'loading' ? `${known}; it is being loaded` : `${known}, and already in memory`
}

function folderText({ added, known, refused }: Extract<AdditionState, { kind: 'folder' }>): string {
  const counted = [
    `${added} ${added === 1 ? 'model' : 'models'} added to the library`,
    ...(known > 0 ? [`${known} already there`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
  ]
  return counted.join(', ')
}

/** What an added model would cost. Enter loads it, Escape leaves it in the library. */
function Offer({
  id,
  state,
}: {
  readonly id: string
  readonly state: Extract<AdditionState, { kind: 'offered' }>
}) {
  const { model, preview, isKnown } = state
  const { verdict } = preview
  const shape = useApp((app) => poolShape(app.pool))
  const first = useRef<HTMLDivElement>(null)
  const asked = useRef(shape)
  // The card answers what the user has just done, so the keyboard goes there; to the first of several.
  useEffect(() => {
    if (document.activeElement?.closest('[data-offer]')) return
    first.current?.querySelector('button')?.focus()
  }, [])
  useEffect(() => {
    if (asked.current === shape) return
    asked.current = shape
    void refreshOffer(id)
  }, [id, shape])
  const canLoad = verdict.kind === 'fits' || verdict.kind === 'evicts' || verdict.kind === 'waits'
  return (
    <Card
      name={model.name}
      colour={model.colour}
      tone={verdict.kind === 'refused' ? 'bad' : 'ask'}
      onEscape={() => dismissAddition(id)}
    >
      <p>
        {isKnown ? 'Already in the library. ' : 'Added to the library. '}
        {verdict.kind === 'refused' ? '' : previewText(preview)}
      </p>
      {verdict.kind === 'waits' && (
        <Remedies remedies={verdict.remedies} onShorten={(options) => void acceptOffer(id, options)} />
      )}
      {verdict.kind === 'refused' && (
        <ProblemText problem={verdict.problem} hasRemedies={verdict.remedies.length > 0}>
          <Remedies remedies={verdict.remedies} onShorten={(options) => void acceptOffer(id, options)} />
        </ProblemText>
      )}
      <div ref={first} className={styles['buttons']} data-offer>
        {canLoad && (
          <Button look="primary" onClick={() => void acceptOffer(id)}>
            Load
          </Button>
        )}
        <Button onClick={() => dismissAddition(id)}>{canLoad ? 'Cancel' : 'Dismiss'}</Button>
      </div>
    </Card>
  )
}

type CardProps = {
  readonly name: string
  readonly colour?: number
  readonly tone?: 'plain' | 'ask' | 'bad'
  readonly onDismiss?: () => void
  readonly dismissName?: string
  readonly onEscape?: () => void
  readonly children: ReactNode
}

function Card({
  name,
  colour,
  tone = 'plain',
  onDismiss,
  dismissName = 'Dismiss',
  onEscape,
  children,
}: CardProps) {
  const escape = onEscape ?? onDismiss
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !escape) return
    event.stopPropagation()
    escape()
  }
  return (
    // Escape is a shortcut for the card's own button.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article className={styles['card']} data-tone={tone} aria-label={name} onKeyDown={onKeyDown}>
      <header className={styles['header']}>
        {colour !== undefined && <ModelSwatch colour={colour} hollow />}
        <h3 className={styles['name']}>{name}</h3>
        {onDismiss && (
          <Button look="quiet" icon="close" aria-label={`${dismissName}: ${name}`} onClick={onDismiss}>
            {dismissName === 'Dismiss' ? null : dismissName}
          </Button>
        )}
      </header>
      {children}
    </article>
  )
}
