import type { ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { ConversationSummary } from '../../contract/conversation.ts'
import type { Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { ModelFactsList } from '../library/model-facts.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { FactList, type Fact } from '../ui/fact-list.tsx'
import tables from '../ui/figure-table.module.css'
import { formatCount } from '../ui/format.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { WarningList } from '../ui/warning-list.tsx'
import { contextText, stateText } from './blocks.ts'
import { FootprintTable } from './footprint-table.tsx'
import { LoadHistory } from './load-history.tsx'
import { loadedWithFacts } from './loaded-with.ts'
import styles from './resident-details.module.css'

type ResidentDetailsProps = {
  readonly resident: Resident
  readonly model: LibraryModel | null
  readonly conversations: readonly Pick<ConversationSummary, 'id' | 'title'>[]
  readonly onClose: () => void
}

const moment = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/** Everything that is known of a resident: predicted against measured, how it is loaded, its contexts, its earlier loads, its file. */
export function ResidentDetails({ resident, model, conversations, onClose }: ResidentDetailsProps) {
  const loadedWith = loadedWithFacts(resident)
  return (
    <Dialog title={resident.name} onClose={onClose}>
      <div className={styles['details']}>
        {resident.problem && <ProblemText problem={resident.problem} />}
        <WarningList warnings={resident.warnings} />
        <FactList facts={stateFacts(resident)} />
        <FootprintTable resident={resident} />
        {loadedWith.length > 0 && (
          <Section title="How it is loaded">
            <FactList facts={loadedWith} />
          </Section>
        )}
        {resident.contexts.length > 0 && <Contexts resident={resident} conversations={conversations} />}
        {model && (
          <>
            <LoadHistory modelId={model.id} measured={resident.measured} />
            <Section title="Model">
              <ModelFactsList model={model} />
            </Section>
          </>
        )}
      </div>
    </Dialog>
  )
}

function Section({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <section className={styles['section']}>
      <h3>{title}</h3>
      {children}
    </section>
  )
}

function stateFacts(resident: Resident): readonly Fact[] {
  const { processId, loadedAt, lastUsedAt } = resident
  return [
    { name: 'State', value: stateText(resident) + (resident.pinned ? ', pinned' : '') },
    { name: 'Turns that use it now', value: formatCount(resident.leases) },
    { name: 'Process', value: processId === null ? 'None' : String(processId) },
    { name: 'Loaded', value: loadedAt === null ? null : moment.format(loadedAt) },
    { name: 'Last used', value: lastUsedAt === null ? null : moment.format(lastUsedAt) },
  ]
}

function Contexts({ resident, conversations }: Pick<ResidentDetailsProps, 'resident' | 'conversations'>) {
  return (
    <table className={tables['table']}>
      <caption>Contexts</caption>
      <thead>
        <tr>
          <th scope="col">Conversation</th>
          <th scope="col">Tokens used</th>
          <th scope="col">Tokens reserved</th>
          <th scope="col">KV cache</th>
          <th scope="col" data-words="">
            State
          </th>
        </tr>
      </thead>
      <tbody>
        {resident.contexts.map((context) => (
          <tr key={context.id}>
            <th scope="row">
              {context.conversationId === null
                ? 'None yet'
                : (conversations.find(({ id }) => id === context.conversationId)?.title ??
                  context.conversationId)}
            </th>
            <td>{formatCount(context.usedTokens)}</td>
            <td>{formatCount(context.contextTokens)}</td>
            <td>{formatBytes(context.kvBytes)}</td>
            <td data-words="">{contextText(context)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
