import type { ConversationSummary } from '../../contract/conversation.ts'
import type { PoolSnapshot, ResidentContext } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { Consolidate } from './consolidate.tsx'
import { KvBars } from './kv-bars.tsx'
import styles from './kv-section.module.css'
import { KvTable } from './kv-table.tsx'

/** What KV caches need to be shown. */
export type KvProps = {
  readonly pool: PoolSnapshot
  readonly models: readonly LibraryModel[]
  readonly conversations: readonly Pick<ConversationSummary, 'id' | 'title'>[]
}

/** The KV caches of all residents, as bars or as a table of the same numbers, and how to give back what is idle. */
export function KvSection({ isTable, ...props }: KvProps & { readonly isTable: boolean }) {
  if (!props.pool.residents.some(({ contexts }) => contexts.length > 0)) return null
  return (
    <section className={styles['section']} aria-label="KV caches">
      <Consolidate pool={props.pool}>
        <h3>KV caches</h3>
      </Consolidate>
      {isTable ? <KvTable {...props} /> : <KvBars {...props} />}
    </section>
  )
}

/** What the conversation of a context is called, or what the context is for that has none. */
export function conversationTitle(
  { conversationId, isAside }: Pick<ResidentContext, 'conversationId' | 'isAside'>,
  conversations: KvProps['conversations'],
): string {
  if (isAside) return 'Routing and checks'
  if (conversationId === null) return 'No conversation yet'
  return (
    conversations.find(({ id }) => id === conversationId)?.title ?? 'A conversation that is not in the list'
  )
}
