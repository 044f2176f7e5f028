import { useRef, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/icon-button.tsx'
import styles from './version-switch.module.css'

type VersionSwitchProps = {
  /** What there are versions of: "message", "answer". */
  readonly of: string
  /** Tells this switch from others, also when the version that is shown then brings another one: the focus stays. */
  readonly place: string
  readonly ids: readonly string[]
  readonly shownId: string
  readonly onShow: (id: string) => Promise<void>
}

/** "2 / 3" between two arrows: shows another version of a message or an answer. The arrow keys do the same. */
export function VersionSwitch({ of, place, ids, shownId, onShow }: VersionSwitchProps) {
  const group = useRef<HTMLSpanElement>(null)
  if (ids.length < 2) return null
  const at = ids.indexOf(shownId)
  const show = async (step: -1 | 1) => {
    const id = ids[at + step]
    if (id === undefined) return
    await onShow(id)
    focusVersions(place, step)
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : null
    if (step === null || event.altKey || event.ctrlKey || event.metaKey) return
    event.preventDefault()
    void show(step)
  }
  const button = (step: -1 | 1, label: string) => (
    <IconButton
      icon={step < 0 ? 'chevron-left' : 'chevron-right'}
      iconSize={12}
      label={label}
      data-step={step}
      // Not disabled, so that the focus stays when the last one is reached.
      aria-disabled={ids[at + step] === undefined}
      onClick={() => void show(step)}
      onKeyDown={onKeyDown}
    />
  )
  return (
    <span
      ref={group}
      role="group"
      aria-label={`Versions of the ${of}`}
      className={styles['versions']}
      data-versions={place}
    >
      {button(-1, `Previous version of the ${of}`)}
      <span>{`${String(at + 1)} / ${String(ids.length)}`}</span>
      {button(1, `Next version of the ${of}`)}
    </span>
  )
}

/** The place of the switch between versions of a message. */
export function messageVersions(siblingIds: readonly string[]): string {
  return `message ${siblingIds[0] ?? ''}`
}

/** Brings the focus to a switch when the version that was asked for has come with it. */
export function focusVersions(place: string, step: -1 | 1): void {
  requestAnimationFrame(() =>
    document
      .querySelector<HTMLElement>(`[data-versions="${CSS.escape(place)}"] [data-step="${String(step)}"]`)
      ?.focus({ preventScroll: true }),
  )
}
