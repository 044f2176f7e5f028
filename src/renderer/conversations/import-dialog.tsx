import { formatBytes } from '../../contract/bytes.ts'
import type { ImportResult } from '../../contract/conversation-file.ts'
import { useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { formatCount } from '../ui/format.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { closeImport, undoImport, type ImportState } from './conversation-files.ts'
import styles from './import-dialog.module.css'

/** What becomes of a file of conversations: how far it is, what came in, and what was left out and why. */
export function ImportDialog() {
  const importing = useApp((state) => state.importing)
  if (importing === null) return null
  const { name, state } = importing
  return (
    <Dialog title="Import conversations" size="small" onClose={closeImport}>
      <div className={styles['body']}>
        <p className={styles['file']}>{name}</p>
        <State state={state} />
        <div className={styles['choices']}>
          {state.kind === 'done' && state.result.conversations > 0 && (
            <Button
              icon="undo"
              onClick={() => {
                closeImport()
                void undoImport(state.result)
              }}
            >
              Take it back
            </Button>
          )}
          <Button look={state.kind === 'done' ? 'primary' : 'plain'} onClick={closeImport}>
            {state.kind === 'sending' || state.kind === 'writing' ? 'Cancel' : 'Close'}
          </Button>
        </div>
      </div>
    </Dialog>
  )
}

function State({ state }: { readonly state: ImportState }) {
  switch (state.kind) {
    case 'sending': {
      const { sentBytes, totalBytes } = state
      return (
        <Progress
          text={`Reading: ${formatBytes(sentBytes)} of ${formatBytes(totalBytes)}`}
          value={sentBytes}
          max={totalBytes}
        />
      )
    }
    case 'writing':
      return (
        <Progress
          text={`Writing: ${formatCount(state.done)} of ${formatCount(state.of)} conversations`}
          value={state.done}
          max={state.of}
        />
      )
    case 'refused':
      return (
        <div role="alert">
          <ProblemText problem={state.problem} />
        </div>
      )
    case 'done':
      return <Result result={state.result} />
    default:
      return state satisfies never
  }
}

function Progress({
  text,
  value,
  max,
}: {
  readonly text: string
  readonly value: number
  readonly max: number
}) {
  return (
    <div className={styles['progress']}>
      <p>{text}</p>
      <progress aria-label="Progress of the import" value={value} max={Math.max(1, max)} />
    </div>
  )
}

/** As many titles are listed; the others are counted. */
const listed = 50

function Result({ result }: { readonly result: ImportResult }) {
  const { source, conversations, turns, known, leftOut, notes } = result
  return (
    <div role="status">
      <p className={styles['outcome']}>
        {conversations === 0
          ? 'Nothing new came in.'
          : `${count(conversations, 'conversation')} with ${count(turns, 'turn')} came in${source === 'open-webui' ? ' from Open WebUI' : ''}.`}
      </p>
      {known > 0 && (
        <p>{`${count(known, 'conversation')} ${known === 1 ? 'is' : 'are'} here already and ${known === 1 ? 'was' : 'were'} left as ${known === 1 ? 'it is' : 'they are'}.`}</p>
      )}
      {notes.length > 0 && (
        <>
          <p>Did not come along:</p>
          <ul>
            {notes.map((note) => (
              <li key={note}>{note}</li>
            ))}
          </ul>
        </>
      )}
      {leftOut.length > 0 && (
        <>
          <p>{`Left out (${formatCount(leftOut.length)}):`}</p>
          <ul className={styles['left']}>
            {leftOut.slice(0, listed).map(({ title, reason }, index) => (
              <li key={index}>{`${title}: ${reason}`}</li>
            ))}
            {leftOut.length > listed && <li>{`and ${formatCount(leftOut.length - listed)} more`}</li>}
          </ul>
        </>
      )}
    </div>
  )
}

function count(number: number, noun: string): string {
  return number === 1 ? `1 ${noun}` : `${formatCount(number)} ${noun}s`
}
