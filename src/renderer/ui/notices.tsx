import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { dismissNotice, dropUndo, takeBack, useApp, type Undo } from '../store.ts'
import { Button } from './button.tsx'
import styles from './notices.module.css'

/** Problems that belong to no place of their own, until they are dismissed; and what was just done, to be taken back. */
export function Notices() {
  const { notices, undos } = useApp(useShallow((state) => ({ notices: state.notices, undos: state.undos })))
  const stack = useRef<HTMLDivElement>(null)
  const newest = undos.at(-1)?.id ?? notices.at(-1)?.id
  useLayoutEffect(() => {
    const box = stack.current
    if (!box || typeof box.showPopover !== 'function') return
    // Above everything, also above what was opened over the page since; and always there, so that it is announced.
    if (box.matches(':popover-open')) box.hidePopover()
    box.showPopover()
  }, [newest])
  return (
    <div ref={stack} className={styles['stack']} popover="manual">
      <div role="alert">
        {notices.map(({ id, problem }) => (
          <div key={id} className={styles['notice']} data-problem="">
            <div>
              <p className={styles['message']}>{problem.message}</p>
              {problem.details.help !== undefined && <p className={styles['help']}>{problem.details.help}</p>}
            </div>
            <Close onClick={() => dismissNotice(id)} />
          </div>
        ))}
      </div>
      <div role="status" aria-label="Done">
        {undos.map((undo) => (
          <UndoNotice key={undo.id} undo={undo} />
        ))}
      </div>
    </div>
  )
}

/** How long something can be taken back when the pointer and the focus are elsewhere. */
const undoMs = 12_000

function UndoNotice({ undo: { id, text } }: { readonly undo: Undo }) {
  const [isHeld, setIsHeld] = useState(false)
  useEffect(() => {
    if (isHeld) return
    const timer = setTimeout(() => dropUndo(id), undoMs)
    return () => clearTimeout(timer)
  }, [id, isHeld])
  return (
    // Whoever points at it or has the focus in it is reading it.
    // eslint-disable-next-line jsx-a11y/no-static-element-interactions
    <div
      className={styles['notice']}
      onPointerEnter={() => setIsHeld(true)}
      onPointerLeave={({ currentTarget }) => setIsHeld(currentTarget.contains(document.activeElement))}
      onFocus={() => setIsHeld(true)}
      onBlur={() => setIsHeld(false)}
      onKeyDown={(event) => {
        if (event.key === 'Escape') dropUndo(id)
      }}
    >
      <p className={styles['message']}>{text}</p>
      <Button icon="undo" onClick={() => void takeBack(id)}>
        Undo
      </Button>
      <Close onClick={() => dropUndo(id)} />
    </div>
  )
}

function Close({ onClick }: { readonly onClick: () => void }) {
  return (
    <button type="button" className={styles['close']} aria-label="Dismiss" onClick={onClick}>
      ✕
    </button>
  )
}
