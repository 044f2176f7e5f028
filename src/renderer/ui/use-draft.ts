import { useState, type KeyboardEvent } from 'react'

/**
 * The text of a field that shows a stored value, while it is typed and not yet kept. A draft is of one stored value: when that changes
 * elsewhere, the draft is void. Escape gives the stored value back, before it closes what is around the field.
 */
export function useDraft(stored: string): {
  readonly text: string
  readonly isChanged: boolean
  readonly write: (text: string) => void
  /** Back to the stored value. */
  readonly drop: () => void
  readonly onEscape: (event: KeyboardEvent) => void
} {
  const [draft, setDraft] = useState<{ readonly of: string; readonly text: string } | null>(null)
  const text = draft?.of === stored ? draft.text : stored
  const drop = () => setDraft(null)
  return {
    text,
    isChanged: text !== stored,
    write: (typed) => setDraft({ of: stored, text: typed }),
    drop,
    onEscape: (event) => {
      if (event.key !== 'Escape' || text === stored) return
      event.preventDefault()
      event.stopPropagation()
      drop()
    },
  }
}
