import { formatBytes } from '../../contract/bytes.ts'
import type { Resident } from '../../contract/memory.ts'
import { formatCount } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { contextText } from './blocks.ts'
import { conversationTitle, type KvProps } from './kv-section.tsx'
import styles from './pool-table.module.css'

/** The numbers of the KV bars: each context of each resident, its sums, and how far it may grow. */
export function KvTable({ pool, models, conversations }: KvProps) {
  const shown = pool.residents.filter(({ contexts }) => contexts.length > 0)
  return (
    // A wide table scrolls by itself; the keyboard scrolls what has the focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles['scroll']} role="region" aria-label="Table of KV caches" tabIndex={0}>
      <table className={styles['table']} data-plain="">
        <thead>
          <tr>
            <th scope="col">Conversation</th>
            <th scope="col">KV reserved</th>
            <th scope="col">KV used</th>
            <th scope="col">Tokens</th>
            <th scope="col">Can grow to</th>
            <th scope="col">KV budget</th>
            <th scope="col" className={styles['state']}>
              State
            </th>
          </tr>
        </thead>
        {shown.map((resident) => (
          <tbody key={resident.modelId}>
            <SumRow
              resident={resident}
              colour={models.find(({ id }) => id === resident.modelId)?.colour ?? null}
            />
            {resident.contexts.map((context) => (
              <tr key={context.id}>
                <th scope="row">
                  <span className={styles['model']}>
                    <span className={styles['name']}>{conversationTitle(context, conversations)}</span>
                  </span>
                </th>
                <td>{formatBytes(context.kvBytes)}</td>
                <td>{formatBytes(usedBytes([context]))}</td>
                <td>{`${formatCount(context.usedTokens)} of ${formatCount(context.contextTokens)}`}</td>
                <td>{formatCount(resident.contextLimitTokens)}</td>
                <td />
                <td className={styles['state']}>{contextText(context)}</td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  )
}

function SumRow({ resident, colour }: { readonly resident: Resident; readonly colour: number | null }) {
  const { contexts, usedTokens, contextTokens, kvBudgetBytes } = resident
  return (
    <tr className={styles['sum']}>
      <th scope="row">
        <span className={styles['model']}>
          <ModelSwatch colour={colour} />
          <span className={styles['name']}>{resident.name}</span>
        </span>
      </th>
      <td>{formatBytes(contexts.reduce((sum, { kvBytes }) => sum + kvBytes, 0))}</td>
      <td>{formatBytes(usedBytes(contexts))}</td>
      <td>{`${formatCount(usedTokens)} of ${formatCount(contextTokens)}`}</td>
      <td />
      <td>{formatBytes(kvBudgetBytes)}</td>
      <td className={styles['state']} />
    </tr>
  )
}

/** KV cache that holds tokens, as the snapshot counts what is unused. */
function usedBytes(contexts: Resident['contexts']): number {
  return contexts.reduce(
    (sum, { kvBytes, usedTokens, contextTokens }) => sum + kvBytes * Math.min(1, usedTokens / contextTokens),
    0,
  )
}
