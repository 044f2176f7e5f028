import { useId, useState, type KeyboardEvent, type RefObject } from 'react'
import type { LibraryModel } from '../../contract/model.ts'
import { setDraft } from '../send-turn.ts'
import { isMeant, mentionAt, withoutMention, type Mention } from './mention.ts'
import { residentIds, whyUnusable } from './next-model.ts'
import { mentionModel } from './several-models.ts'
import { useNextModel } from './use-next-model.ts'

/** More names than this are found by typing on. */
const mostNames = 8

/** Names models in the message box with @: the list of those that may be meant, and the keys that choose of it. */
export function useMention(
  field: RefObject<HTMLTextAreaElement | null>,
  { conversationId, draft }: { readonly conversationId: string | null; readonly draft: string },
) {
  const id = useId()
  const { models, residency, chosen } = useNextModel()
  const [caret, setCaret] = useState<number | null>(null)
  const [dismissedAt, setDismissedAt] = useState<number | null>(null)
  const [activeId, setActiveId] = useState<string | null>(null)
  const mention = caret === null ? null : mentionAt(draft, caret)
  const order = residentIds(residency)
  const rank = (model: LibraryModel) => (order.includes(model.id) ? order.indexOf(model.id) : order.length)
  const found =
    mention && mention.at !== dismissedAt
      ? models
          .filter((model) => whyUnusable(model, residency) === null && isMeant(model.name, mention.query))
          .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
          .slice(0, mostNames)
      : []
  const active = found.find((model) => model.id === activeId) ?? found[0]

  const accept = (model: LibraryModel, of: Mention) => {
    const rest = withoutMention(draft, of)
    mentionModel(model.id, { chosenId: chosen?.id ?? null })
    setDraft(conversationId, rest.text)
    setCaret(null)
    requestAnimationFrame(() => {
      field.current?.focus()
      field.current?.setSelectionRange(rest.caret, rest.caret)
    })
  }
  /** Whether the key was the list's. */
  const onKeyDown = (event: KeyboardEvent): boolean => {
    if (
      !mention ||
      !active ||
      event.nativeEvent.isComposing ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return false
    const at = found.indexOf(active)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key]
    if (to !== undefined) setActiveId(found.at(to % found.length)?.id ?? null)
    else if ((event.key === 'Enter' || event.key === 'Tab') && !event.shiftKey) accept(active, mention)
    else if (event.key === 'Escape') setDismissedAt(mention.at)
    else return false
    event.preventDefault()
    event.stopPropagation()
    return true
  }
  return {
    id,
    found,
    active,
    residency,
    onKeyDown,
    /** Called when the text or the caret has moved. */
    onCaret: () => {
      const { selectionStart = null, selectionEnd = null } = field.current ?? {}
      setCaret(selectionStart === selectionEnd ? selectionStart : null)
      if (dismissedAt !== null && draft[dismissedAt] !== '@') setDismissedAt(null)
    },
    onLeave: () => setCaret(null),
    onActive: setActiveId,
    onAccept: (model: LibraryModel) => {
      if (mention) accept(model, mention)
    },
  }
}
