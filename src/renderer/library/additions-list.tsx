import { useEffect, useRef, type KeyboardEvent, type ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import { dismissAddition, type Addition, type AdditionState } from '../additions.ts'
import { proposeLoad } from '../proposal.ts'
import { showDialog } from '../store.ts'
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
  useEffect(() => {
    // In braces: newer browsers give back a promise, which is no clean-up.
    list.current?.scrollTo({ top: 0 })
  }, [newestId])
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
            {state.problem.details.modelId !== undefined && (
              <Remedies
                remedies={state.problem.details.remedies ?? []}
                modelId={state.problem.details.modelId}
              />
            )}
          </ProblemText>
        </Card>
      )
    case 'offered':
      return (
        <Card name={state.model.name} colour={state.model.colour} onDismiss={dismiss}>
          <div className={styles['offered']}>
            <p>{`${additionNote(state)}, not loaded`}</p>
            <Button
              aria-label={`Show what ${state.model.name} takes`}
              onClick={() => proposeLoad({ modelId: state.model.id, from: 'drop' })}
            >
              Show
            </Button>
          </div>
        </Card>
      )
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

/** What adding did for the library. */
export function additionNote({ isKnown }: { readonly isKnown: boolean }): string {
  return isKnown ? 'Already in the library' : 'Added to the library'
}

function doneText(state: Extract<AdditionState, { kind: 'done' }>): string {
  const known = additionNote(state)
  return state.outcome === 'loading' ? `${known}; it is being loaded` : `${known}, and already in memory`
}

function folderText({ added, known, refused }: Extract<AdditionState, { kind: 'folder' }>): string {
  const counted = [
    `${added} ${added === 1 ? 'model' : 'models'} added to the library`,
    ...(known > 0 ? [`${known} already there`] : []),
    ...(refused.length > 0 ? [`${refused.length} refused`] : []),
  ]
  return counted.join(', ')
}

type CardProps = {
  readonly name: string
  readonly colour?: number
  readonly tone?: 'plain' | 'bad'
  readonly onDismiss?: () => void
  readonly dismissName?: string
  readonly children: ReactNode
}

function Card({ name, colour, tone = 'plain', onDismiss, dismissName = 'Dismiss', children }: CardProps) {
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !onDismiss) return
    event.stopPropagation()
    onDismiss()
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
