import { useEffect, useRef, useState } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { FolderEntry } from '../../contract/contract.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Icon } from '../ui/icon.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import styles from './folder-browser.module.css'

type FolderBrowserProps = {
  readonly onClose: () => void
  /** A file, or a folder whose models are all meant; absent where only a folder is asked for. */
  readonly onAdd?: (path: string) => void
  readonly onWatch: (path: string) => void
}

type Listing = {
  readonly path: string
  readonly parent: string | null
  readonly entries: readonly FolderEntry[]
}

/** A look at the host's own folders, so that a file that is there already need not be sent. */
export function FolderBrowser({ onClose, onAdd, onWatch }: FolderBrowserProps) {
  // Undefined: where models usually are.
  const [path, setPath] = useState<string | undefined>(undefined)
  const [listing, setListing] = useState<Listing | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  useEffect(() => {
    const abort = new AbortController()
    const read = async () => {
      try {
        const found = await host().files.browse(path === undefined ? {} : { path }, { signal: abort.signal })
        if (abort.signal.aborted) return
        setListing(found)
        setProblem(null)
      } catch (error) {
        if (!abort.signal.aborted) setProblem(toProblem(error))
      }
    }
    void read()
    return () => abort.abort()
  }, [path])
  const list = useRef<HTMLUListElement>(null)
  // The entry that was pressed is gone with its folder: the keyboard goes on in the new one.
  useEffect(() => {
    if (document.activeElement === document.body) list.current?.querySelector('button')?.focus()
  }, [listing])
  return (
    <Dialog title="Folders of the host" onClose={onClose}>
      <div className={styles['browser']}>
        <PathForm path={listing?.path ?? ''} onOpen={setPath} />
        {problem && (
          <div role="alert">
            <ProblemText problem={problem} />
          </div>
        )}
        {listing && (
          <>
            <ul ref={list} className={styles['entries']} aria-label={`Content of ${listing.path}`}>
              {listing.parent !== null && (
                <li>
                  <button
                    type="button"
                    className={styles['entry']}
                    onClick={() => setPath(listing.parent ?? undefined)}
                  >
                    <Icon name="folder" />
                    <span className={styles['name']}>.. (one level up)</span>
                  </button>
                </li>
              )}
              {listing.entries.map((entry) => (
                <li key={entry.path}>
                  <Entry entry={entry} onOpen={setPath} {...(onAdd && { onAdd })} />
                </li>
              ))}
            </ul>
            {listing.entries.length === 0 && (
              <p className={styles['none']}>No folders and no GGUF files here.</p>
            )}
            <div className={styles['buttons']}>
              {onAdd && listing.entries.some(({ kind }) => kind === 'gguf') && (
                <Button onClick={() => onAdd(listing.path)}>Add all models of this folder</Button>
              )}
              <Button look={onAdd ? 'plain' : 'primary'} onClick={() => onWatch(listing.path)}>
                Watch this folder
              </Button>
            </div>
          </>
        )}
      </div>
    </Dialog>
  )
}

function PathForm({ path, onOpen }: { readonly path: string; readonly onOpen: (path: string) => void }) {
  // What is typed is about the folder that is shown: when another is shown, it is void.
  const [draft, setDraft] = useState<{ readonly of: string; readonly text: string } | null>(null)
  const text = draft?.of === path ? draft.text : path
  return (
    <form
      className={styles['path']}
      onSubmit={(event) => {
        event.preventDefault()
        if (text.trim() !== '') onOpen(text.trim())
      }}
    >
      <input
        aria-label="Path on the host"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => setDraft({ of: path, text: event.target.value })}
      />
      <button type="submit">Open</button>
    </form>
  )
}

function Entry({
  entry,
  onOpen,
  onAdd,
}: {
  readonly entry: FolderEntry
  readonly onOpen: (path: string) => void
  readonly onAdd?: (path: string) => void
}) {
  if (entry.kind === 'folder') {
    return (
      <button type="button" className={styles['entry']} onClick={() => onOpen(entry.path)}>
        <Icon name="folder" />
        <span className={styles['name']}>{entry.name}</span>
      </button>
    )
  }
  return (
    <button
      type="button"
      className={styles['entry']}
      disabled={onAdd === undefined}
      onClick={() => onAdd?.(entry.path)}
    >
      <Icon name="plus" />
      <span className={styles['name']}>{entry.name}</span>
      <span className={styles['size']}>{entry.bytes === null ? '' : formatBytes(entry.bytes)}</span>
    </button>
  )
}
