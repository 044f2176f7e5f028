import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type CSSProperties,
  type KeyboardEvent,
  type MouseEvent,
  type RefObject,
} from 'react'
import { flushSync } from 'react-dom'
import type { ConversationSummary } from '../../contract/conversation.ts'
import { openConversation } from '../open-conversation.ts'
import { takeBack } from '../store.ts'
import { deleteConversations } from './conversation-actions.ts'
import type { ConversationGroup } from './conversation-groups.ts'
import styles from './conversation-list.module.css'
import { ConversationRow } from './conversation-row.tsx'
import { drawnRows } from './list-window.ts'
import { extendTo, noSelection, toggleRow, type Selection } from './selection.ts'

type ConversationRowsProps = {
  readonly groups: readonly ConversationGroup[]
  readonly openId: string | null
  readonly selection: Selection
  readonly onSelect: (selection: Selection) => void
}

/** Rows beyond the edges that are drawn as well, so that scrolling shows no gaps. */
const spareRows = 12

/**
 * The rows of the list in their groups. Only those near the window are drawn, so that thousands cost no more than a screenful.
 * Arrow keys move, with Shift they choose; Ctrl or Shift and a press choose several; Delete deletes, Ctrl+Z takes it back.
 */
export function ConversationRows({ groups, openId, selection, onSelect }: ConversationRowsProps) {
  const list = useRef<HTMLDivElement>(null)
  const seen = useSeen(list)
  const [focusedId, setFocusedId] = useState<string | null>(null)
  const [renamingId, setRenamingId] = useState<string | null>(null)
  const rows = useMemo(() => groups.flatMap(({ conversations }) => conversations), [groups])
  const order = useMemo(() => rows.map(({ id }) => id), [rows])
  // One stop for the Tab key: the row that had the focus last, else the open one, else the first.
  const known = useMemo(() => new Set(order), [order])
  const stopId = [focusedId, openId].find((id) => id !== null && known.has(id)) ?? order[0] ?? null

  const focusRow = useCallback((id: string) => {
    // Drawn now, also where it was out of sight: it takes the focus in the same moment.
    flushSync(() => setFocusedId(id))
    list.current?.querySelector<HTMLElement>(`[data-row="${CSS.escape(id)}"]`)?.focus()
  }, [])

  const remove = (id: string) => {
    const ids = selection.ids.has(id) ? [...selection.ids] : [id]
    const isLeaving = new Set(ids)
    const at = order.indexOf(id)
    const next = [...order.slice(at), ...order.slice(0, at).reverse()].find((other) => !isLeaving.has(other))
    onSelect(noSelection)
    if (next !== undefined) focusRow(next)
    void deleteConversations(ids)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    const { target, key } = event
    const id = target instanceof HTMLElement ? target.dataset['row'] : undefined
    if (id === undefined) return
    const isCommand = event.ctrlKey || event.metaKey
    const at = order.indexOf(id)
    const to = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: order.length - 1,
      PageDown: at + 10,
      PageUp: at - 10,
    }[key]
    if (to !== undefined) {
      const next = order[Math.min(Math.max(to, 0), order.length - 1)]
      if (next === undefined) return
      if (event.shiftKey)
        onSelect(
          extendTo(selection.ids.size === 0 ? { ...selection, anchorId: id } : selection, next, {
            order,
            openId: id,
          }),
        )
      focusRow(next)
    } else if (key === 'F2') setRenamingId(id)
    else if (key === 'Delete' || (key === 'Backspace' && event.metaKey)) remove(id)
    else if (key === 'Escape' && selection.ids.size > 0) onSelect(noSelection)
    else if (isCommand && key.toLowerCase() === 'a') onSelect({ ids: new Set(order), anchorId: id })
    else if (isCommand && !event.shiftKey && key.toLowerCase() === 'z') void takeBack()
    else if (isCommand && key === ' ') onSelect(toggleRow(selection, id, null))
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  const press = (id: string, event: MouseEvent) => {
    if (event.shiftKey) onSelect(extendTo(selection, id, { order, openId }))
    else if (event.ctrlKey || event.metaKey) onSelect(toggleRow(selection, id, openId))
    else {
      onSelect({ ...noSelection, anchorId: id })
      openConversation(id)
    }
  }

  const drawn = drawnRows(groups, seen, seen.sizes)
  const row = (conversation: ConversationSummary, index: number, count: number) => {
    const { id } = conversation
    return (
      <ConversationRow
        key={id}
        conversation={conversation}
        place={{ index, count }}
        isOpen={id === openId}
        isTabStop={id === stopId}
        isSelected={selection.ids.size > 0 ? selection.ids.has(id) : null}
        isRenaming={id === renamingId}
        onFocus={setFocusedId}
        onPress={press}
        onRename={(step) => {
          setRenamingId(step === 'start' ? id : null)
          if (step === 'end') requestAnimationFrame(() => focusRow(id))
        }}
        onDelete={() => remove(id)}
      />
    )
  }
  return (
    // The arrow keys move between the rows, which are the controls.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div ref={list} onKeyDown={onKeyDown}>
      {groups.map(({ label, conversations }, at) => {
        const { from, to } = drawn[at] ?? { from: 0, to: 0 }
        return (
          <section
            key={label}
            aria-label={label}
            className={styles['group']}
            style={{ '--rows': conversations.length } as CSSProperties}
          >
            <h2 className={styles['day']}>{label}</h2>
            <ul className={styles['rows']}>
              {conversations.map((conversation, index) =>
                // The row with the focus, or that would get it, stays where it is scrolled out of sight.
                (index >= from && index < to) || conversation.id === stopId || conversation.id === renamingId
                  ? row(conversation, index, conversations.length)
                  : null,
              )}
            </ul>
          </section>
        )
      })}
    </div>
  )
}

type Seen = {
  readonly top: number
  readonly bottom: number
  readonly sizes: { readonly heading: number; readonly row: number }
}

/** The part of the list that is seen, with some rows more at both ends; changes only every few rows. */
function useSeen(list: RefObject<HTMLDivElement | null>): Seen {
  const [seen, setSeen] = useState<Seen>(() => seenAt({ scrollTop: 0, clientHeight: 1000, before: 0 }))
  useEffect(() => {
    const inner = list.current
    const scroller = inner?.parentElement
    if (!inner || !scroller) return
    const measure = () => {
      const { scrollTop, clientHeight } = scroller
      const next = seenAt({ scrollTop, clientHeight, before: inner.offsetTop - scroller.offsetTop })
      const isSame = (old: Seen) =>
        old.top === next.top && old.bottom === next.bottom && old.sizes.row === next.sizes.row
      setSeen((old) => (isSame(old) ? old : next))
    }
    // Tells of the first size as well.
    const observer = new ResizeObserver(measure)
    observer.observe(scroller)
    scroller.addEventListener('scroll', measure, { passive: true })
    return () => {
      observer.disconnect()
      scroller.removeEventListener('scroll', measure)
    }
  }, [list])
  return seen
}

/** conversation-list.module.css has the same heights. */
function seenAt({
  scrollTop,
  clientHeight,
  before,
}: {
  scrollTop: number
  clientHeight: number
  before: number
}): Seen {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16
  const sizes = { heading: 2.25 * rem, row: 2 * rem + 1 }
  const step = (spareRows / 2) * sizes.row
  const top = Math.floor((scrollTop - before) / step) * step
  // A window that is not laid out yet has no height.
  const height = Math.ceil((clientHeight || 1000) / step) * step
  return {
    top: top - spareRows * sizes.row,
    bottom: top + height + (spareRows + spareRows / 2) * sizes.row,
    sizes,
  }
}
