import type { FoundPlace, SearchHit } from '../../contract/search.ts'
import { openConversation } from '../open-conversation.ts'
import { attempt, host, useApp } from '../store.ts'
import { hitAt, numberOf, type FoundAt } from './found-places.ts'

/** What is looked for in the open conversation, and where it was found. */
export type Finding = {
  readonly conversationId: string
  readonly text: string
  /** A piece of text as it stands, or the words of a search. */
  readonly as: 'piece' | 'words'
  /** In their order on the screen; null while the host looks. */
  readonly places: readonly FoundPlace[] | null
  /** The hit that is brought into view; null when there is none. */
  readonly at: FoundAt | null
  /** Grows with each wish to see the hit: also the same one is brought into view again. */
  readonly wishes: number
}

/** Opens the find bar, or brings the focus to it. */
export function openFind(): void {
  const { conversationId, finding } = useApp.getState()
  if (conversationId === null) return
  const selected = getSelection()?.toString().trim() ?? ''
  const text =
    selected !== '' && selected.length <= 200 && !selected.includes('\n') ? selected : finding?.text
  useApp.setState({
    finding:
      finding?.conversationId === conversationId
        ? finding
        : { conversationId, text: '', as: 'piece', places: null, at: null, wishes: 0 },
  })
  if (text !== undefined && text !== finding?.text) void findText(text)
  requestAnimationFrame(() => {
    const input = document.querySelector<HTMLInputElement>('[data-find]')
    input?.focus()
    input?.select()
  })
}

/** Closes the find bar; nothing is marked any more. */
export function closeFind(): void {
  useApp.setState({ finding: null })
}

/** Looks for a piece of text in the open conversation, and shows its first place. */
export async function findText(text: string): Promise<void> {
  useApp.setState(({ finding, conversationId }) =>
    conversationId === null
      ? {}
      : {
          finding: {
            conversationId,
            text,
            as: 'piece',
            places: null,
            at: null,
            wishes: finding?.wishes ?? 0,
          },
        },
  )
  await look((places) => hitAt(places, 0))
}

/** Brings the next hit into view (`step` 1), or the one before (-1); after the last comes the first. */
export async function findNext(step: 1 | -1): Promise<void> {
  const { finding } = useApp.getState()
  if (!finding || finding.text.trim() === '') return
  const { at } = finding
  await look((places) => hitAt(places, at ? numberOf(places, at) - 1 + step : 0))
}

/** Opens a conversation at a hit of a search: the path through it is shown, and what was looked for is marked. */
export async function openHit(hit: SearchHit, query: string): Promise<void> {
  const { conversationId, turnId, answerId } = hit
  if (useApp.getState().conversationId !== conversationId) openConversation(conversationId)
  if (turnId === null) {
    closeFind()
    return
  }
  const isShown = await attempt(async () => {
    await host().turns.show({ turnId, ...(answerId !== null && { answerId }) })
    return true
  })
  if (isShown !== true) return
  useApp.setState({
    finding: { conversationId, text: query, as: 'words', places: null, at: null, wishes: 0 },
  })
  await look((places) => {
    const place = places.find((each) => each.turnId === turnId && each.answerId === answerId)
    return place ? { turnId, answerId, index: 0 } : { turnId, answerId, index: -1 }
  })
}

/** Asks the host where the text is now, and goes where `choose` says. An answer that comes too late is dropped. */
async function look(choose: (places: readonly FoundPlace[]) => FoundAt | null): Promise<void> {
  const { finding, conversationId } = useApp.getState()
  if (!finding || conversationId === null) return
  const { text, as } = finding
  const places =
    text.trim() === ''
      ? []
      : await attempt(() => host().conversations.find({ id: conversationId, text: text.slice(0, 500), as }))
  const now = useApp.getState()
  if (!places || now.conversationId !== conversationId || now.finding?.text !== text || now.finding.as !== as)
    return
  useApp.setState({ finding: { ...now.finding, places, at: choose(places), wishes: now.finding.wishes + 1 } })
}
