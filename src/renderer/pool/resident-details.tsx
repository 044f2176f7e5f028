import { formatBytes } from '../../contract/bytes.ts'
import type { ConversationSummary } from '../../contract/conversation.ts'
import type { FootprintPartName, Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { ModelFactsList } from '../library/model-facts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { FactList, type Fact } from '../ui/fact-list.tsx'
import { formatCount } from '../ui/format.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { partNames, residentBytes, sourceText, stateText, usedKvBytes } from './blocks.ts'
import styles from './resident-details.module.css'

type ResidentDetailsProps = {
  readonly resident: Resident
  readonly model: LibraryModel | null
  readonly conversations: readonly Pick<ConversationSummary, 'id' | 'title'>[]
  readonly onClose: () => void
}

const domainNames = { unified: 'Unified', ram: 'RAM', vram: 'VRAM' } as const
const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** Everything that is known of a resident: its parts and where each number comes from, its contexts, its process, its file. */
export function ResidentDetails({ resident, model, conversations, onClose }: ResidentDetailsProps) {
  return (
    <Dialog title={resident.name} onClose={onClose}>
      <div className={styles['details']}>
        {resident.problem && <ProblemText problem={resident.problem} />}
        <FactList facts={stateFacts(resident)} />
        <Parts resident={resident} />
        {resident.contexts.length > 0 && <Contexts resident={resident} conversations={conversations} />}
        {model && (
          <section className={styles['section']}>
            <h3>Model</h3>
            <ModelFactsList model={model} />
          </section>
        )}
      </div>
    </Dialog>
  )
}

function stateFacts(resident: Resident): readonly Fact[] {
  const { processId, loadedAt, lastUsedAt, kvBytesPerToken, kvBudgetBytes } = resident
  const budgetTokens = kvBytesPerToken > 0 ? ` (${formatCount(kvBudgetBytes / kvBytesPerToken)} tokens)` : ''
  return [
    { name: 'State', value: stateText(resident) + (resident.pinned ? ', pinned' : '') },
    { name: 'Turns that use it now', value: formatCount(resident.leases) },
    { name: 'Process', value: processId === null ? 'None' : String(processId) },
    { name: 'Loaded', value: loadedAt === null ? null : moment.format(loadedAt) },
    { name: 'Last used', value: lastUsedAt === null ? null : moment.format(lastUsedAt) },
    { name: 'KV budget', value: `${formatBytes(kvBudgetBytes)}${budgetTokens}` },
  ]
}

function Parts({ resident }: { readonly resident: Resident }) {
  const nameOf = (part: FootprintPartName) => partNames.find((item) => item.part === part)?.name ?? part
  return (
    <table className={styles['table']} data-words="">
      <caption>Memory</caption>
      <thead>
        <tr>
          <th scope="col">Part</th>
          <th scope="col">Where</th>
          <th scope="col">Source</th>
          <th scope="col">Bytes</th>
          <th scope="col" aria-label="Readable" />
        </tr>
      </thead>
      <tbody>
        {resident.footprint.map(({ part, domain, bytes, source }) => (
          <tr key={`${part} ${domain}`}>
            <th scope="row">
              {nameOf(part)}
              {part === 'kvCache' && (
                <span
                  className={styles['soft']}
                >{` · ${formatBytes(usedKvBytes(resident, domain))} used`}</span>
              )}
            </th>
            <td>{domainNames[domain]}</td>
            <td>{sourceText(resident, { part, source })}</td>
            <td>{formatCount(bytes)}</td>
            <td>{formatBytes(bytes)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">Sum</th>
          <td />
          <td />
          <td>{formatCount(residentBytes(resident))}</td>
          <td>{formatBytes(residentBytes(resident))}</td>
        </tr>
      </tfoot>
    </table>
  )
}

function Contexts({ resident, conversations }: Pick<ResidentDetailsProps, 'resident' | 'conversations'>) {
  return (
    <table className={styles['table']}>
      <caption>Contexts</caption>
      <thead>
        <tr>
          <th scope="col">Conversation</th>
          <th scope="col">Tokens used</th>
          <th scope="col">Tokens reserved</th>
          <th scope="col">KV cache</th>
        </tr>
      </thead>
      <tbody>
        {resident.contexts.map(({ conversationId, usedTokens, contextTokens, kvBytes }, index) => (
          <tr key={`${conversationId ?? 'spare'} ${index}`}>
            <th scope="row">
              {conversationId === null
                ? 'None yet'
                : (conversations.find(({ id }) => id === conversationId)?.title ?? conversationId)}
            </th>
            <td>{formatCount(usedTokens)}</td>
            <td>{formatCount(contextTokens)}</td>
            <td>{formatBytes(kvBytes)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
