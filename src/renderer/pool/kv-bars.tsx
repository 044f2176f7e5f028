import { formatBytes } from '../../contract/bytes.ts'
import type { ConversationSummary } from '../../contract/conversation.ts'
import type { Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { formatCount, formatTokens } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { residentBytes, usedKvBytes } from './blocks.ts'
import styles from './kv-bars.module.css'

type KvBarsProps = {
  readonly residents: readonly Resident[]
  readonly models: readonly LibraryModel[]
  readonly conversations: readonly Pick<ConversationSummary, 'id' | 'title'>[]
}

/** For each resident: KV cache used (by conversation) within reserved, and how far it may grow. */
export function KvBars({ residents, models, conversations }: KvBarsProps) {
  const shown = residents.filter(({ state }) => state === 'ready' || state === 'busy')
  if (shown.length === 0) return null
  const titles = new Map(conversations.map(({ id, title }) => [id, title]))
  return (
    <section className={styles['bars']} aria-label="KV caches">
      <h3 className={styles['heading']}>
        KV caches <span className={styles['key']}>used within reserved, mark = budget</span>
      </h3>
      <ul className={styles['list']}>
        {shown.map((resident) => (
          <li key={resident.modelId} className={styles['row']}>
            <KvBar
              resident={resident}
              colour={models.find(({ id }) => id === resident.modelId)?.colour ?? null}
              titles={titles}
            />
          </li>
        ))}
      </ul>
    </section>
  )
}

function KvBar({
  resident,
  colour,
  titles,
}: {
  readonly resident: Resident
  readonly colour: number | null
  readonly titles: ReadonlyMap<string, string>
}) {
  const reservedBytes = residentBytes(resident, { part: 'kvCache' })
  const usedBytes = usedKvBytes(resident)
  const { kvBudgetBytes, kvBytesPerToken, contextTokens, usedTokens } = resident
  const scale = Math.max(kvBudgetBytes, reservedBytes) * 1.04
  const share = (bytes: number) => `${scale > 0 ? (100 * bytes) / scale : 0}%`
  const budgetTokens = kvBytesPerToken > 0 ? Math.floor(kvBudgetBytes / kvBytesPerToken) : 0
  const named = resident.contexts.map((context, index) => ({
    ...context,
    // A context has no id of its own; its place in the list is what it is.
    key: `${context.conversationId ?? 'spare'} ${index}`,
    title:
      context.conversationId === null
        ? 'No conversation yet'
        : (titles.get(context.conversationId) ?? 'A conversation that is not in the list'),
  }))
  const taken = named.filter(({ conversationId, usedTokens: used }) => conversationId !== null && used > 0)
  return (
    <>
      <ModelSwatch colour={colour} />
      <span className={styles['name']} title={resident.name}>
        {resident.name}
      </span>
      <span className={styles['figures']}>
        {`${formatTokens(usedTokens)} of ${formatTokens(contextTokens)} tokens · ${formatBytes(usedBytes)} of ${formatBytes(reservedBytes)}`}
      </span>
      <div
        className={styles['bar']}
        data-colour={colour === null ? undefined : colour % 10}
        title={`${resident.name}: ${formatCount(usedTokens)} of ${formatCount(contextTokens)} tokens used, budget ${formatCount(budgetTokens)} tokens (${formatBytes(kvBudgetBytes)})`}
        aria-hidden="true"
      >
        {named.map((context) => (
          <span
            key={context.key}
            className={styles['context']}
            style={{ inlineSize: share(context.kvBytes) }}
            title={`${context.title}: ${formatCount(context.usedTokens)} of ${formatCount(context.contextTokens)} tokens, ${formatBytes(context.kvBytes)} reserved`}
          >
            <span
              className={styles['used']}
              style={{
                inlineSize: `${context.contextTokens > 0 ? (100 * context.usedTokens) / context.contextTokens : 0}%`,
              }}
            />
          </span>
        ))}
        <span className={styles['budget']} style={{ insetInlineStart: share(kvBudgetBytes) }} />
      </div>
      <p className="visually-hidden">
        {`Budget ${formatCount(budgetTokens)} tokens, ${formatBytes(kvBudgetBytes)}.`}
      </p>
      {taken.length > 0 && (
        <ul
          className={styles['conversations']}
          aria-label={`Conversations in the KV cache of ${resident.name}`}
        >
          {taken.map((context) => (
            <li key={context.key}>
              <span className={styles['conversation']}>{context.title}</span>{' '}
              {formatTokens(context.usedTokens)}
            </li>
          ))}
        </ul>
      )}
    </>
  )
}
