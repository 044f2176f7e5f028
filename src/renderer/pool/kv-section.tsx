import { formatBytes } from '../../contract/bytes.ts'
import type { ConversationSummary } from '../../contract/conversation.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
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
  const { kv, residents } = props.pool
  if (!residents.some(({ contexts }) => contexts.length > 0)) return null
  const totals = [
    `${formatBytes(kv.reservedBytes)} reserved`,
    `${formatBytes(kv.unusedBytes)} of it unused`,
    `${formatBytes(kv.strandedBytes)} idle`,
  ]
  return (
    <section className={styles['section']} aria-label="KV caches">
      <div className={styles['heading']}>
        <h3>KV caches</h3>
        <p>{totals.join(' · ')}</p>
      </div>
      <Consolidate pool={props.pool} />
      {isTable ? <KvTable {...props} /> : <KvBars {...props} />}
    </section>
  )
}

/** What a conversation is called, or that a context has none. */
export function conversationTitle(
  conversationId: string | null,
  conversations: KvProps['conversations'],
): string {
  if (conversationId === null) return 'No conversation yet'
  return (
    conversations.find(({ id }) => id === conversationId)?.title ?? 'A conversation that is not in the list'
  )
}
