import { useEffect } from 'react'
import { useApp } from '../store.ts'
import { matchesChord, type PressedKey } from '../ui/shortcut.ts'
import type { Command } from './command.ts'
import { availableCommands } from './commands.ts'

/** Where a key was pressed. */
export type Place = {
  /** Into something that takes text. */
  readonly isField: boolean
  /** While a dialog has the page wait; only the palette and the list of shortcuts close by their own keys then. */
  readonly isModal: boolean
}

/** The command that a pressed key asks for, or null. Signs without Ctrl or Alt are text in a field. Pure. */
export function commandOfKey(
  commands: readonly Command[],
  pressed: PressedKey,
  { isField, isModal }: Place,
): Command | null {
  const isText = !pressed.ctrlKey && !pressed.metaKey && !pressed.altKey && pressed.key.length === 1
  if (isText && isField) return null
  return (
    commands.find(
      ({ id, keys }) =>
        (!isModal || id.startsWith('help.')) && keys?.some((chord) => matchesChord(pressed, chord)),
    ) ?? null
  )
}

/** Handles the keys of all commands, in the one place there is for them. What has handled a key itself has it alone. */
export function useCommandKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.getModifierState('AltGraph')) return
      const state = useApp.getState()
      const isModal = document.querySelector('dialog:modal') !== null
      // Over a dialog that asks something nothing else opens.
      if (isModal && state.overlay === null) return
      const command = commandOfKey(availableCommands(state), event, {
        isField: isField(event.target),
        isModal,
      })
      if (!command) return
      event.preventDefault()
      command.run()
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
}

function isField(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('textarea, select, input:not([type=checkbox], [type=radio])'))
  )
}
