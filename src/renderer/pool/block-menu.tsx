import { useEffect, useLayoutEffect, useRef, useState, type KeyboardEvent } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { Domain, PoolSnapshot, Resident } from '../../contract/memory.ts'
import { openSettings } from '../proposal.ts'
import { chooseNextModel } from '../chat/auto-choice.ts'
import { attempt, host, showDialog } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatError } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { WarningList } from '../ui/warning-list.tsx'
import styles from './block-menu.module.css'
import {
  domainNames,
  isMeasured,
  partNames,
  residentBytes,
  stateText,
  usedKvBytes,
  type Block,
} from './blocks.ts'

type BlockMenuProps = {
  readonly block: Block
  readonly domain: Domain
  /** The process that is kept ready for the next load. */
  readonly spare: PoolSnapshot['spare']
  /** The element that opened it: the menu stands beside it, and the focus returns there. */
  readonly anchor: HTMLElement
  readonly isNext: boolean
  readonly onClose: () => void
  readonly onDetails: (modelId: string) => void
}

/** What a block is, and what can be done with it. A native popover: Escape and a press elsewhere close it. */
export function BlockMenu({ block, domain, spare, anchor, isNext, onClose, onDetails }: BlockMenuProps) {
  const ref = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const menu = ref.current
    if (!menu) return
    menu.showPopover()
    stand(menu, anchor)
    menu.querySelector('button')?.focus()
    const blocks = anchor.closest('[role="group"], table')
    // The focus is lost with a button that an unloading model disables, and with a menu that goes together with its block.
    return () => {
      const focused = document.activeElement
      if (focused !== document.body && !menu.contains(focused)) return
      const next = anchor.isConnected ? anchor : blocks?.querySelector('button')
      next?.focus()
    }
  }, [anchor])
  useEffect(() => {
    const close = () => ref.current?.hidePopover()
    window.addEventListener('resize', close)
    return () => window.removeEventListener('resize', close)
  }, [])
  const close = () => ref.current?.hidePopover()
  return (
    // Arrows are a short cut here; Tab reaches the same buttons.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      ref={ref}
      popover="auto"
      role="dialog"
      aria-label={block.name}
      tabIndex={-1}
      className={styles['menu']}
      onKeyDown={moveFocus}
      onToggle={(event) => {
        if (event.newState === 'closed') onClose()
      }}
    >
      <h3 className={styles['title']}>
        {block.kind === 'resident' && <ModelSwatch colour={block.colour} />}
        <span>{block.name}</span>
      </h3>
      {block.kind === 'resident' ? (
        <ResidentMenu
          resident={block.resident}
          isNext={isNext}
          onClose={close}
          onDetails={() => {
            close()
            onDetails(block.resident.modelId)
          }}
        />
      ) : (
        <PlainMenu block={block} domain={domain} spare={spare} onClose={close} />
      )}
    </div>
  )
}

function ResidentMenu({
  resident,
  isNext,
  onClose,
  onDetails,
}: {
  readonly resident: Resident
  readonly isNext: boolean
  readonly onClose: () => void
  readonly onDetails: () => void
}) {
  const { modelId, state, pinned } = resident
  const [problem, setProblem] = useState<Problem | null>(null)
  const id = { id: modelId }
  const unload = async (options: { readonly force: boolean }) => {
    try {
      await host().models.unload({ ...id, ...options })
      onClose()
    } catch (error) {
      setProblem(toProblem(error))
    }
  }
  const isOnItsWay = state === 'loading' || state === 'queued'
  return (
    <>
      <p className={styles['state']}>
        {stateText(resident)}
        {pinned && ' · pinned'}
      </p>
      <PartsList resident={resident} />
      <WarningList warnings={resident.warnings} />
      {resident.problem && <ProblemText problem={resident.problem} />}
      {problem && (
        <div role="alert">
          <ProblemText problem={problem}>
            {problem.code === 'MODEL_BUSY' && (
              <Button look="danger" onClick={() => void unload({ force: true })}>
                Unload anyway
              </Button>
            )}
          </ProblemText>
        </div>
      )}
      <div className={styles['actions']}>
        {state === 'failed' ? (
          <Button
            look="quiet"
            icon="retry"
            onClick={() => {
              onClose()
              void attempt(() => host().models.load(id))
            }}
          >
            Load again
          </Button>
        ) : (
          <Button
            look="quiet"
            icon="send"
            disabled={isNext}
            onClick={() => {
              chooseNextModel(modelId)
              onClose()
            }}
          >
            {isNext ? 'Takes the next turn' : 'Use for next turn'}
          </Button>
        )}
        <Button
          look="quiet"
          icon="pin"
          onClick={() => {
            onClose()
            void attempt(() => (pinned ? host().models.unpin(id) : host().models.pin(id)))
          }}
        >
          {pinned ? 'Unpin' : 'Pin'}
        </Button>
        <Button
          look="quiet"
          icon="eject"
          disabled={state === 'unloading'}
          onClick={() => void unload({ force: false })}
        >
          {isOnItsWay ? 'Cancel loading' : state === 'failed' ? 'Dismiss' : 'Unload'}
        </Button>
        <Button look="quiet" icon="info" onClick={onDetails}>
          Details
        </Button>
        <Button
          look="quiet"
          icon="settings"
          onClick={() => {
            onClose()
            void openSettings({ modelId })
          }}
        >
          Load settings
        </Button>
      </div>
    </>
  )
}

function PartsList({ resident }: { readonly resident: Resident }) {
  const parts = partNames
    .map(({ part, name }) => ({ part, name, bytes: residentBytes(resident, { part }) }))
    .filter(({ bytes }) => bytes > 0)
  if (parts.length === 0) return null
  const domains = [...new Set(resident.footprint.map(({ domain }) => domain))]
  return (
    <dl className={styles['parts']}>
      {parts.map(({ part, name, bytes }) => (
        <div key={part}>
          <dt>{name}</dt>
          <dd>
            {part === 'kvCache' && `${formatBytes(usedKvBytes(resident))} used of `}
            {formatBytes(bytes)}
          </dd>
        </div>
      ))}
      <div className={styles['sum']}>
        <dt>{isMeasured(resident) ? 'Measured' : 'Predicted'}</dt>
        <dd>{formatBytes(residentBytes(resident))}</dd>
      </div>
      {domains.length > 1 &&
        domains.map((domain) => (
          <div key={domain}>
            <dt>{`In ${domainNames[domain]}`}</dt>
            <dd>{formatBytes(residentBytes(resident, { domain }))}</dd>
          </div>
        ))}
      {resident.predictionError !== null && (
        <div>
          <dt>Error of the prediction</dt>
          <dd>{formatError(resident.predictionError)}</dd>
        </div>
      )}
    </dl>
  )
}

const explanations = {
  other: 'Held by other programs on this machine. Plenum cannot free it; closing programs does.',
  reserve: 'Never given to models, so that the machine stays responsive. Its size is a setting.',
  free: 'What models can still be loaded into.',
  outside: 'Memory of this machine that the pool does not use, because its size was set.',
  ghost: 'Not loaded: what it would take if it were, as predicted.',
} as const

function PlainMenu({
  block,
  domain,
  spare,
  onClose,
}: Pick<BlockMenuProps, 'domain' | 'spare' | 'onClose'> & {
  readonly block: Exclude<Block, { kind: 'resident' }>
}) {
  return (
    <>
      <p className={styles['state']}>{`${formatBytes(block.bytes)} of ${domain.name}`}</p>
      <p className={styles['text']}>{explanations[block.kind]}</p>
      {block.kind === 'other' && spare && domain.id !== 'vram' && (
        <p className={styles['text']}>
          {`${formatBytes(spare.bytes)} of it is a process of Plenum without a model, ready for the next load.`}
        </p>
      )}
      <div className={styles['actions']}>
        {block.kind === 'free' && (
          <Button
            look="quiet"
            icon="library"
            onClick={() => {
              onClose()
              showDialog('library')
            }}
          >
            Load a model
          </Button>
        )}
        {(block.kind === 'reserve' || block.kind === 'outside') && (
          <Button
            look="quiet"
            icon="settings"
            onClick={() => {
              onClose()
              showDialog('settings')
            }}
          >
            Settings
          </Button>
        )}
        <Button look="quiet" icon="close" onClick={onClose}>
          Close
        </Button>
      </div>
    </>
  )
}

/** Below the anchor where there is room, else above, and never outside the window. */
function stand(menu: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect()
  const { offsetWidth: width, offsetHeight: height } = menu
  const edge = 8
  const top = at.top + Math.min(at.height, 48) + 4
  const fits = top + height <= window.innerHeight - edge
  menu.style.left = `${Math.max(edge, Math.min(at.left + 8, window.innerWidth - width - edge))}px`
  menu.style.top = `${Math.max(edge, fits ? top : Math.min(at.top - height - 4, window.innerHeight - height - edge))}px`
}

function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const buttons = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('button:not(:disabled)')]
  const at = buttons.findIndex((button) => button === document.activeElement)
  const step = event.key === 'ArrowDown' ? 1 : -1
  buttons[(at + step + buttons.length) % buttons.length]?.focus()
  event.preventDefault()
}
