import { memo, useEffect, useLayoutEffect, useRef, useState } from 'react'
import styles from './formula.module.css'
import { loadedFormulas, loadFormulas, type DrawFormula } from './katex.ts'

type FormulaProps = {
  /** In TeX, without the marks around it. */
  readonly source: string
  /** On lines of its own, not within one. */
  readonly isDisplay: boolean
  /** Its end has not come: its source is shown. */
  readonly isOpen?: boolean
}

/** A formula. Until it is whole and what draws it is there, and where it cannot be read, its source is shown. */
export const Formula = memo(function Formula({ source, isDisplay, isOpen = false }: FormulaProps) {
  const place = useRef<HTMLSpanElement>(null)
  const draw = useDrawFormula()
  const [isDrawn, setIsDrawn] = useState(false)
  useLayoutEffect(() => {
    const { current } = place
    if (!current || draw === null || isOpen) return
    const drawn = draw(source, { isDisplay })
    if (drawn === null) return
    current.replaceChildren(drawn)
    // The source goes in the same frame.
    // eslint-disable-next-line react-hooks/set-state-in-effect
    setIsDrawn(true)
    return () => {
      current.replaceChildren()
      setIsDrawn(false)
    }
  }, [draw, source, isDisplay, isOpen])
  return (
    <span
      className={styles[isDisplay ? 'display' : 'inline']}
      // A long formula scrolls by itself; arrows move it then.

      tabIndex={isDisplay && isDrawn ? 0 : undefined}
      role={isDisplay && isDrawn ? 'group' : undefined}
      aria-label={isDisplay && isDrawn ? 'Formula' : undefined}
    >
      <span ref={place} />
      {!isDrawn && <code className={styles['source']}>{source}</code>}
    </span>
  )
})

function useDrawFormula(): DrawFormula | null {
  const [arrived, setArrived] = useState<{ readonly draw: DrawFormula } | null>(null)
  const there = loadedFormulas()
  const isMissing = there === null
  useEffect(() => {
    if (!isMissing) return
    let isOver = false
    loadFormulas().then(
      (draw) => {
        if (!isOver) setArrived({ draw })
      },
      // The source is shown.
      () => undefined,
    )
    return () => {
      isOver = true
    }
  }, [isMissing])
  return there ?? arrived?.draw ?? null
}
