import { useCallback, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { formatBytes } from '../../contract/bytes.ts'
import type { Domain, LoadPreview, PoolSnapshot } from '../../contract/memory.ts'
import { addGifts, type Addition } from '../additions.ts'
import { useNextModel } from '../chat/use-next-model.ts'
import type { Gift } from '../gifts.ts'
import { additionNote, AdditionsList } from '../library/additions-list.tsx'
import { PreviewCard } from '../library/preview-card.tsx'
import { joinNames, previewText } from '../library/preview-text.ts'
import { usePreview, type PreviewAnswer } from '../library/use-preview.ts'
import type { PoolPicture } from '../pool-picture.ts'
import { shownProposal, type Proposal } from '../proposal.ts'
import { attempt, host, showDialog, showPicture, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Segments } from '../ui/segments.tsx'
import { Activity } from './activity.tsx'
import { Bandwidth } from './bandwidth.tsx'
import { BlockMenu } from './block-menu.tsx'
import { capacityBytes, ghostOf, poolBlocks, type PoolView } from './blocks.ts'
import { KvSection } from './kv-section.tsx'
import { PoolNotices } from './pool-notices.tsx'
import styles from './pool-pane.module.css'
import { PoolTable } from './pool-table.tsx'
import { PoolTreemap } from './pool-treemap.tsx'
import { ResidentDetails } from './resident-details.tsx'
import { ResidentProblems } from './resident-problems.tsx'
import { useFileDrop } from './use-file-drop.ts'
import { useModelDrop } from './use-model-drop.ts'

/** The menu of a block: which, beside what, and which time it is opened. */
type OpenMenu = {
  readonly key: string
  readonly domain: Domain['id']
  readonly anchor: HTMLElement
  readonly count: number
}

const views = [
  { value: 'machine', name: 'Machine' },
  { value: 'models', name: 'Models' },
  { value: 'table', name: 'Table' },
] as const satisfies readonly { value: PoolPicture; name: string }[]

/** The memory pool: what fills it, how full the KV caches are, what happened, and where models are dropped. */
export function PoolPane() {
  const { pool, models, conversations, additions, wanted, chosen, startTokens } = useApp(
    useShallow((state) => ({
      pool: state.pool,
      models: state.models,
      conversations: state.conversations,
      additions: state.additions,
      wanted: state.proposal,
      chosen: state.poolPicture,
      startTokens: state.settings?.startContextTokens ?? 0,
    })),
  )
  const proposal = shownProposal(wanted, { additions, pool })
  const answer = usePreview(proposal?.modelId ?? null, {
    ...(proposal && { options: proposal.options }),
    isReload: proposal?.from === 'settings',
  })
  const proposed = models.find(({ id }) => id === proposal?.modelId)
  const nextModelId = useNextModel().chosen?.id ?? null
  const [open, setOpen] = useState<OpenMenu | null>(null)
  const [detailsOf, setDetailsOf] = useState<string | null>(null)
  const isOver = useFileDrop(useCallback((gifts: readonly Gift[]) => void addGifts(gifts), []))
  const modelDrop = useModelDrop()
  // A menu that closes tells so a moment later, when the next one may be open already.
  const openMenu = (menu: Omit<OpenMenu, 'count'>) =>
    setOpen((before) => ({ ...menu, count: (before?.count ?? 0) + 1 }))

  if (!pool) return <p className={styles['empty']}>Reading the machine</p>
  const shown = chosen ?? viewByItself(pool)
  const preview = answer?.kind === 'preview' ? answer.preview : null
  const ghostIn = (domain: Domain) =>
    preview && proposed ? ghostOf(preview, { name: proposed.name, domain: domain.id }) : null
  const blocksOf = (domain: Domain, view: PoolView) =>
    poolBlocks(pool, domain, { view, models, ghost: ghostIn(domain) })
  const openDomain = pool.domains.find(({ id }) => id === open?.domain)
  const openBlock = open && openDomain && blocksOf(openDomain, 'machine').find(({ key }) => key === open.key)
  const details = pool.residents.find(({ modelId }) => modelId === detailsOf)
  return (
    <div className={styles['pane']} data-over={isOver || undefined} {...modelDrop}>
      <PoolHeader pool={pool} shown={shown} onShow={showPicture} />
      <div className={styles['body']}>
        <RestoreOffer pool={pool} />
        {proposal && proposed && (proposal.from === 'drop' || proposal.from === 'turn') && (
          <PreviewCard
            key={`${proposal.from} ${proposal.modelId}`}
            proposal={proposal}
            model={proposed}
            answer={answer}
            note={noteOf(proposal, additions)}
            startTokens={startTokens}
          />
        )}
        <AdditionsList
          additions={additions.filter(
            ({ state }) => state.kind !== 'offered' || state.model.id !== proposal?.modelId,
          )}
        />
        <PoolNotices
          pool={pool}
          pinnedIds={new Set(models.filter(({ pinned }) => pinned).map(({ id }) => id))}
        />
        {pool.domains.map((domain) => (
          <div
            key={domain.id}
            className={styles['domain']}
            data-tour="pool"
            data-split={pool.kind === 'split' || undefined}
          >
            {pool.kind === 'split' && <h3 className={styles['domainName']}>{domainText(domain)}</h3>}
            {shown === 'table' ? (
              <PoolTable
                pool={pool}
                domain={domain}
                models={models}
                ghost={ghostIn(domain)}
                leaving={leavingOf(preview)}
                onOpen={(modelId, anchor) => openMenu({ key: `model:${modelId}`, domain: domain.id, anchor })}
              />
            ) : shown === 'models' && blocksOf(domain, 'models').length === 0 ? (
              <NothingLoaded hasModels={models.length > 0} />
            ) : (
              <PoolTreemap
                pool={pool}
                domain={domain}
                blocks={blocksOf(domain, shown)}
                leaving={leavingOf(preview)}
                nextModelId={nextModelId}
                onOpen={(block, anchor) => openMenu({ key: block.key, domain: domain.id, anchor })}
              />
            )}
          </div>
        ))}
        <ResidentProblems residents={pool.residents} />
        <KvSection pool={pool} models={models} conversations={conversations} isTable={shown === 'table'} />
        <Bandwidth pool={pool} />
        <Activity events={pool.events} />
      </div>
      {open && openDomain && openBlock && (
        <BlockMenu
          key={`${open.key} ${open.count}`}
          block={openBlock}
          domain={openDomain}
          spare={pool.spare}
          anchor={open.anchor}
          isNext={openBlock.kind === 'resident' && openBlock.resident.modelId === nextModelId}
          onClose={() => setOpen((now) => (now === open ? null : now))}
          onDetails={setDetailsOf}
        />
      )}
      {details && (
        <ResidentDetails
          resident={details}
          model={models.find(({ id }) => id === details.modelId) ?? null}
          conversations={conversations}
          onClose={() => setDetailsOf(null)}
        />
      )}
      {proposal?.from === 'drag' && proposed && (
        <p className={styles['release']} role="status">
          {releaseText(proposed.name, answer)}
        </p>
      )}
      {isOver && (
        <div className={styles['drop']} aria-hidden="true">
          <p>Drop GGUF files to add them to the pool, or exported conversations</p>
        </div>
      )}
    </div>
  )
}

/** Until the user chooses: the machine, unless the models in it would be too small to be seen. */
function viewByItself(pool: PoolSnapshot): PoolView {
  const usedBytes = pool.domains.reduce((sum, domain) => sum + domain.usedBytes, 0)
  return usedBytes > 0 && usedBytes < pool.machine.totalBytes / 20 ? 'models' : 'machine'
}

function PoolHeader({
  pool,
  shown,
  onShow,
}: {
  readonly pool: PoolSnapshot
  readonly shown: PoolPicture
  readonly onShow: (view: PoolPicture) => void
}) {
  const sum = (of: (domain: Domain) => number) =>
    pool.domains.reduce((bytes, domain) => bytes + of(domain), 0)
  return (
    <header className={styles['header']}>
      <h2 className={styles['title']}>Pool</h2>
      <p className={styles['figures']}>
        {`${formatBytes(sum(({ usedBytes }) => usedBytes))} of ${formatBytes(sum(capacityBytes))} · ${formatBytes(sum(({ reserveBytes }) => reserveBytes))} reserve`}
      </p>
      <Segments legend="What the pool shows" value={shown} options={views} onChoose={onShow} />
    </header>
  )
}

function domainText(domain: Domain): string {
  return `${domain.name}: ${formatBytes(domain.usedBytes)} of ${formatBytes(capacityBytes(domain))}`
}

function RestoreOffer({ pool }: { readonly pool: PoolSnapshot }) {
  if (pool.lastResidents.length === 0) return null
  const names = joinNames(pool.lastResidents.map(({ name }) => name))
  const answer = (accept: boolean) => void attempt(() => host().pool.restore({ accept }))
  return (
    <section className={styles['offer']} aria-label="Models of the last session">
      <p>{`${names} ${pool.lastResidents.length === 1 ? 'was' : 'were'} in memory when Plenum last ended.`}</p>
      <div className={styles['buttons']}>
        <Button look="primary" onClick={() => answer(true)}>
          Load again
        </Button>
        <Button onClick={() => answer(false)}>Not now</Button>
      </div>
    </section>
  )
}

function NothingLoaded({ hasModels }: { readonly hasModels: boolean }) {
  return (
    <div className={styles['nothing']}>
      <p>
        {hasModels
          ? 'No model is in memory. Send a message and its model is loaded first, or load one from the library.'
          : 'No model is in memory, and the library is empty. Drop a GGUF file anywhere on this window.'}
      </p>
      <Button icon="library" onClick={() => showDialog('library')}>
        Open the library
      </Button>
    </div>
  )
}

/** How the proposed model came here. */
function noteOf({ modelId, from }: Proposal, additions: readonly Addition[]): string {
  if (from === 'turn') return 'For the next turn'
  const given = additions.find(({ state }) => state.kind === 'offered' && state.model.id === modelId)
  return given?.state.kind === 'offered' ? additionNote(given.state) : 'From the library'
}

function releaseText(name: string, answer: PreviewAnswer): string {
  if (answer === null) return name
  return answer.kind === 'preview'
    ? `${name}: ${previewText(answer.preview)}. Nothing happens until you drop it.`
    : answer.problem.message
}

function leavingOf(preview: LoadPreview | null): ReadonlySet<string> {
  const verdict = preview?.verdict
  const leaves = verdict?.kind === 'evicts' || verdict?.kind === 'waits'
  return new Set(leaves ? verdict.leaving.map(({ modelId }) => modelId) : [])
}
