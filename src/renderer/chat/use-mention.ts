import { useId, useState, type KeyboardEvent, type RefObject } from 'react'
import { flushSync } from 'react-dom'
import type { LibraryModel } from '../../contract/model.ts'
import { setDraft } from '../send-turn.ts'
import { mentionAuto } from './auto-choice.ts'
import { isMeant, isNamed, mentionAt, withoutMention, type Mention } from './mention.ts'
import { residentIds, whyUnusable } from './next-model.ts'
import { mentionModel } from './several-models.ts'
import { useNextModel } from './use-next-model.ts'

/** More names than this are found by typing on. */
const mostNames = 8

/** Who can be named: a model, or (null) Auto. */
export type Named = { readonly id: string; readonly name: string; readonly model: LibraryModel | null }

const auto: Named = { id: 'auto', name: 'Auto', model: null }

/** Those that may be meant by what was typed after an @: models by rank, then Auto; who is called exactly so goes first. Pure. */
export function namedBy(query: string, ranked: readonly LibraryModel[]): readonly Named[] {
  const meant = [
    ...ranked.map((model): Named => ({ id: model.id, name: model.name, model })),
    ...(ranked.length > 0 ? [auto] : []),
  ].filter(({ name }) => isMeant(name, query))
  const isExact = ({ name }: Named) => isNamed(name, query)
  return [...meant.filter(isExact), ...meant.filter((each) => !isExact(each))].slice(0, mostNames)
}

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
      ? namedBy(
          mention.query,
          models
            .filter((model) => whyUnusable(model, residency) === null)
            .toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name)),
        )
      : []
  const active = found.find(({ id: each }) => each === activeId) ?? found[0]

  const accept = ({ model }: Named, of: Mention) => {
    const rest = withoutMention(draft, of)
    const before = { chosenId: chosen?.id ?? null }
    if (model) mentionModel(model.id, before)
    else mentionAuto(before)
    // At once: who types on would be overtaken by a caret that is set later.
    flushSync(() => {
      setDraft(conversationId, rest.text)
      setCaret(null)
    })
    field.current?.focus()
    field.current?.setSelectionRange(rest.caret, rest.caret)
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
    // Who is called by the whole name before anything else is spoken to; further on it may be a word like any other.
    else if (event.key === ' ' && mention.at === 0 && isNamed(active.name, mention.query))
      accept(active, mention)
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
    onAccept: (named: Named) => {
      if (mention) accept(named, mention)
    },
  }
}
