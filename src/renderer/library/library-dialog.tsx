import { useDeferredValue, useRef, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { formatBytes } from '../../contract/bytes.ts'
import { choosePipeline, openCurrentSet } from '../pipeline/pipelines.ts'
import { showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { formatCount } from '../ui/format.ts'
import { AddModels } from './add-models.tsx'
import styles from './library-dialog.module.css'
import { ModelDetails } from './model-details.tsx'
import { ModelList } from './model-list.tsx'
import { findModels, type SortKey } from './sort-models.ts'

const sorts = [
  { sort: 'name', name: 'Name' },
  { sort: 'size', name: 'Size' },
  { sort: 'date', name: 'Newest' },
] as const satisfies readonly { sort: SortKey; name: string }[]

/** All models that this machine has for Plenum: to find, to add, to load, to change. */
export function LibraryDialog() {
  const { models, residentList } = useApp(
    useShallow((state) => ({ models: state.models, residentList: state.pool?.residents })),
  )
  const [query, setQuery] = useState('')
  const [sort, setSort] = useState<SortKey>('name')
  const [chosenId, setChosenId] = useState<string | null>(null)
  const details = useRef<HTMLDivElement>(null)
  const list = useRef<HTMLDivElement>(null)
  const found = findModels(models, { query: useDeferredValue(query), sort })
  const residents = new Map((residentList ?? []).map((resident) => [resident.modelId, resident]))
  const chosen = found.find(({ id }) => id === chosenId) ?? found[0]
  return (
    <Dialog title="Library" place="beside" onClose={() => showDialog(null)}>
      <div className={styles['library']}>
        <div className={styles['bar']}>
          <input
            type="search"
            data-first
            className={styles['search']}
            placeholder="Search"
            aria-label="Search the library"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'ArrowDown') return
              event.preventDefault()
              list.current?.querySelector<HTMLElement>('[role=listbox]')?.focus()
            }}
          />
          <label className={styles['sort']}>
            Sort by
            <select
              value={sort}
              onChange={(event) =>
                setSort(sorts.find((item) => item.sort === event.target.value)?.sort ?? 'name')
              }
            >
              {sorts.map((item) => (
                <option key={item.sort} value={item.sort}>
                  {item.name}
                </option>
              ))}
            </select>
          </label>
          <div className={styles['add']}>
            <AddModels />
            <Button icon="file" onClick={choosePipeline}>
              Open a pipeline…
            </Button>
            {residentList !== undefined && residentList.length > 0 && (
              <Button icon="export" onClick={() => void openCurrentSet()}>
                Save this set as a pipeline…
              </Button>
            )}
          </div>
        </div>
        {models.length === 0 ? (
          <EmptyLibrary />
        ) : (
          <div className={styles['panes']}>
            <div ref={list} className={styles['list']}>
              <p className={styles['count']} role="status">
                {countText(found.length, models.length)}
                {` · ${formatBytes(found.reduce((sum, { fileBytes }) => sum + fileBytes, 0))}`}
              </p>
              <ModelList
                models={found}
                residents={residents}
                chosenId={chosen?.id ?? null}
                onChoose={setChosenId}
                onEnter={() => details.current?.querySelector('button')?.focus()}
              />
            </div>
            <div key={chosen?.id} ref={details} className={styles['details']}>
              {chosen ? (
                <ModelDetails model={chosen} resident={residents.get(chosen.id) ?? null} />
              ) : (
                <p className={styles['none']}>No model has all of these words in its name, file or type.</p>
              )}
            </div>
          </div>
        )}
      </div>
    </Dialog>
  )
}

function countText(found: number, all: number): string {
  const models = (count: number) => `${formatCount(count)} ${count === 1 ? 'model' : 'models'}`
  return found === all ? models(all) : `${formatCount(found)} of ${models(all)}`
}

function EmptyLibrary() {
  return (
    <div className={styles['empty']}>
      <h3>No models yet</h3>
      <p>
        A model is a file that ends in .gguf. Drop one anywhere on this window, add it with the buttons above,
        or watch a folder: what appears in it later is found by itself.
      </p>
      <p>
        Models that LM Studio, Ollama or the Hugging Face cache have on this machine are found and used where
        they are, unless that is switched off in the settings.
      </p>
    </div>
  )
}
