import { formatBytes } from '../../contract/bytes.ts'
import type { Resident } from '../../contract/memory.ts'
import { formatCount, formatTokens } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { contextText, residentBytes, usedKvBytes } from './blocks.ts'
import styles from './kv-bars.module.css'
import { conversationTitle, type KvProps } from './kv-section.tsx'

/** For each resident: KV cache used (by conversation) within reserved, and how far it may grow. */
export function KvBars({ pool, models, conversations }: KvProps) {
  const { kv, residents } = pool
  const shown = residents.filter(({ contexts }) => contexts.length > 0)
  return (
    <>
      <p className={styles['legend']}>
        <span data-kind="used">{`${formatBytes(kv.reservedBytes - kv.unusedBytes)} used`}</span>
        <span data-kind="reserved">{`${formatBytes(kv.reservedBytes)} reserved`}</span>
        <span data-kind="idle">{`${formatBytes(kv.strandedBytes)} idle`}</span>
        <span data-kind="budget">budget</span>
      </p>
      <ul className={styles['list']}>
        {shown.map((resident) => (
          <li key={resident.modelId} className={styles['row']}>
            <KvBar
              resident={resident}
              colour={models.find(({ id }) => id === resident.modelId)?.colour ?? null}
              conversations={conversations}
            />
          </li>
        ))}
      </ul>
    </>
  )
}

function KvBar({
  resident,
  colour,
  conversations,
}: {
  readonly resident: Resident
  readonly colour: number | null
  readonly conversations: KvProps['conversations']
}) {
  const reservedBytes = residentBytes(resident, { part: 'kvCache' })
  const { kvBudgetBytes, contextTokens, usedTokens } = resident
  const scale = Math.max(kvBudgetBytes, reservedBytes) * 1.04
  const share = (bytes: number) => `${scale > 0 ? (100 * bytes) / scale : 0}%`
  const named = resident.contexts.map((context) => ({
    ...context,
    title: conversationTitle(context, conversations),
    isIdle: context.conversationId !== null && !context.isBusy,
  }))
  const taken = named.filter(({ conversationId, usedTokens: used }) => conversationId !== null && used > 0)
  return (
    <>
      <ModelSwatch colour={colour} />
      <span className={styles['name']} title={resident.name}>
        {resident.name}
      </span>
      <span className={styles['figures']}>
        {`${formatTokens(usedTokens)} of ${formatTokens(contextTokens)} tokens · ${formatBytes(usedKvBytes(resident))} of ${formatBytes(reservedBytes)}`}
      </span>
      <div
        className={styles['bar']}
        data-colour={colour === null ? undefined : colour % 10}
        title={`${resident.name}: ${formatCount(usedTokens)} of ${formatCount(contextTokens)} tokens used, ${growthText(resident)}`}
        aria-hidden="true"
      >
        {named.map((context) => (
          <span
            key={context.id}
            className={styles['context']}
            data-idle={context.isIdle || undefined}
            style={{ inlineSize: share(context.kvBytes) }}
            title={`${context.title}: ${formatCount(context.usedTokens)} of ${formatCount(context.contextTokens)} tokens, ${formatBytes(context.kvBytes)} reserved. ${contextText(context)}`}
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
      <p className="visually-hidden">{growthText(resident)}</p>
      <div className={styles['below']}>
        {taken.length > 0 && (
          <ul
            className={styles['conversations']}
            aria-label={`Conversations in the KV cache of ${resident.name}`}
          >
            {taken.map((context) => (
              <li key={context.id}>
                <span className={styles['conversation']}>{context.title}</span>
                {` ${formatTokens(context.usedTokens)}`}
                <span className="visually-hidden">{`, ${contextText(context)}`}</span>
                {context.isParked && (
                  <span title="On disk as well: nothing is read again when its context is given back">
                    <Icon name="disk" size={12} />
                  </span>
                )}
              </li>
            ))}
          </ul>
        )}
        {canGrow(resident) && (
          <span className={styles['growth']} aria-hidden="true">
            {`can grow to ${formatTokens(resident.contextLimitTokens)}`}
          </span>
        )}
      </div>
    </>
  )
}

type Growing = Pick<Resident, 'contexts' | 'contextLimitTokens' | 'kvBudgetBytes'>

function canGrow({ contexts, contextLimitTokens }: Growing): boolean {
  return contexts.some(({ contextTokens }) => contextTokens < contextLimitTokens)
}

/** How far the contexts of a resident may grow, and what all of them may take. */
export function growthText(resident: Growing): string {
  const limit = `${formatCount(resident.contextLimitTokens)} tokens`
  const grows = canGrow(resident) ? `can grow to ${limit}` : `as large as it may be with ${limit}`
  return `each conversation ${grows}; budget of all ${formatBytes(resident.kvBudgetBytes)}`
}
