import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { endDrag } from '../pool/use-model-drop.ts'
import { useApp } from '../store.ts'
import { formatParameters } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { useSize } from '../ui/use-size.ts'
import styles from './model-list.module.css'

type ModelListProps = {
  readonly models: readonly LibraryModel[]
  /** Residents by model id. */
  readonly residents: ReadonlyMap<string, Resident>
  readonly chosenId: string | null
  readonly onChoose: (modelId: string) => void
  /** Enter on the list: on to what can be done with the model. */
  readonly onEnter: () => void
}

const rowRem = 2.75
// Rows drawn beyond the edges, so that fast scrolling shows no gaps.
const spareRows = 8

/** The library's models as a listbox. Only the rows in view are drawn, so that thousands stay smooth. */
export function ModelList({ models, residents, chosenId, onChoose, onEnter }: ModelListProps) {
  const [box, setBox] = useState<HTMLDivElement | null>(null)
  const [scrollTop, setScrollTop] = useState(0)
  const { height } = useSize(box)
  const idPrefix = useId()
  const rowPx = rowRem * remPx()
  const chosen = models.findIndex(({ id }) => id === chosenId)
  const first = Math.max(0, Math.floor(scrollTop / rowPx) - spareRows)
  const last = Math.min(models.length, Math.ceil((scrollTop + height) / rowPx) + spareRows)
  // The chosen row is always there, or it could not be announced.
  const indexes = Array.from({ length: Math.max(0, last - first) }, (_, offset) => first + offset)
  if (chosen >= 0 && !indexes.includes(chosen)) indexes.push(chosen)
  useChosenInView(box, { chosen, rowPx })

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter') {
      event.preventDefault()
      onEnter()
      return
    }
    const page = Math.max(1, Math.floor(height / rowPx) - 1)
    const target = {
      ArrowDown: chosen + 1,
      ArrowUp: chosen - 1,
      PageDown: chosen + page,
      PageUp: chosen - page,
      Home: 0,
      End: models.length - 1,
    }[event.key]
    if (target === undefined) return
    event.preventDefault()
    const model = models[Math.min(models.length - 1, Math.max(0, target))]
    if (model) onChoose(model.id)
  }
  return (
    <div
      ref={setBox}
      className={styles['box']}
      onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <div
        role="listbox"
        tabIndex={0}
        aria-label="Models"
        aria-activedescendant={chosen >= 0 ? `${idPrefix}${chosen}` : undefined}
        className={styles['list']}
        style={{ blockSize: `${models.length * rowRem}rem` }}
        onKeyDown={onKeyDown}
      >
        {indexes.map((index) => {
          const model = models[index]
          return model ? (
            // The listbox takes the keys.
            // eslint-disable-next-line jsx-a11y/click-events-have-key-events
            <div
              key={model.id}
              id={`${idPrefix}${index}`}
              role="option"
              aria-selected={index === chosen}
              aria-setsize={models.length}
              aria-posinset={index + 1}
              tabIndex={-1}
              className={styles['row']}
              style={{ insetBlockStart: `${index * rowRem}rem` }}
              draggable={isLoadable(model, residents.get(model.id))}
              onDragStart={(event) => {
                event.dataTransfer.effectAllowed = 'copy'
                event.dataTransfer.setData('text/plain', model.name)
                useApp.setState({ draggedId: model.id })
              }}
              onDragEnd={() => {
                endDrag()
                useApp.setState({ draggedId: null })
              }}
              onClick={() => onChoose(model.id)}
            >
              <ModelRow model={model} resident={residents.get(model.id) ?? null} />
            </div>
          ) : null
        })}
      </div>
    </div>
  )
}

/** What can be dragged into the pool. */
function isLoadable(model: LibraryModel, resident: Resident | undefined): boolean {
  return model.file.kind === 'usable' && (resident === undefined || resident.state === 'failed')
}

function ModelRow({ model, resident }: { readonly model: LibraryModel; readonly resident: Resident | null }) {
  const note = rowNote(model, resident)
  return (
    <>
      <ModelSwatch colour={model.colour} hollow={resident === null} />
      <span className={styles['name']} title={model.name}>
        {model.name}
      </span>
      <span className={styles['size']}>
        {model.pinned && (
          <>
            <Icon name="pin" size={12} />
            <span className="visually-hidden">pinned, </span>
          </>
        )}
        {formatBytes(model.fileBytes)}
      </span>
      <span className={styles['note']} data-tone={note.tone}>
        {note.text}
      </span>
    </>
  )
}

function rowNote(
  model: LibraryModel,
  resident: Resident | null,
): { readonly text: string; readonly tone?: 'bad' | 'good' } {
  const { file } = model
  switch (file.kind) {
    case 'inspecting':
      return { text: 'Reading the header' }
    case 'unusable':
      return { text: `Cannot be used: ${file.problem.message}`, tone: 'bad' }
    case 'missing':
      return { text: 'The file is not there any more', tone: 'bad' }
    case 'usable': {
      const { architecture, parameters, quantization } = file.facts
      const facts = `${formatParameters(parameters)} · ${quantization} · ${architecture}`
      if (resident === null) return { text: facts }
      return resident.state === 'failed'
        ? { text: `Failed · ${facts}`, tone: 'bad' }
        : { text: `In memory · ${facts}`, tone: 'good' }
    }
    default:
      return file satisfies never
  }
}

function remPx(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
}

function useChosenInView(
  box: HTMLElement | null,
  { chosen, rowPx }: { readonly chosen: number; readonly rowPx: number },
): void {
  const shown = useRef(-1)
  useEffect(() => {
    if (!box || chosen < 0 || shown.current === chosen) return
    shown.current = chosen
    const top = chosen * rowPx
    if (top < box.scrollTop) box.scrollTo({ top })
    else if (top + rowPx > box.scrollTop + box.clientHeight)
      box.scrollTo({ top: top + rowPx - box.clientHeight })
  }, [box, chosen, rowPx])
}
