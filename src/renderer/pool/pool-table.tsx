import { formatBytes } from '../../contract/bytes.ts'
import type { Domain, FootprintPartName, PoolSnapshot, Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { formatTokens } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { openOwnMenu } from '../ui/own-menu.ts'
import {
  isMeasured,
  outsidePool,
  partNames,
  residentBytes,
  sourceText,
  stateText,
  usedKvBytes,
  type Ghost,
} from './blocks.ts'
import styles from './pool-table.module.css'

type PoolTableProps = {
  readonly pool: PoolSnapshot
  readonly domain: Domain
  readonly models: readonly LibraryModel[]
  /** What is shown before it is loaded. */
  readonly ghost: Ghost | null
  /** The models that would have to leave for it. */
  readonly leaving: ReadonlySet<string>
  readonly onOpen: (modelId: string, anchor: HTMLElement) => void
}

/** The numbers of the treemap as a table, with sums. */
export function PoolTable({ pool, domain, models, ghost, leaving, onOpen }: PoolTableProps) {
  const outside = outsidePool(pool, domain)
  const totalBytes = domain.totalBytes + outside.otherBytes + outside.restBytes
  const sum = (part: FootprintPartName) =>
    pool.residents.reduce(
      (bytes, resident) => bytes + residentBytes(resident, { domain: domain.id, part }),
      0,
    )
  const isPredicted = pool.residents.some((resident) => !isMeasured(resident))
  const rest = [
    { name: 'Other programs', bytes: domain.otherBytes + outside.otherBytes },
    { name: 'Reserve', bytes: domain.reserveBytes },
    { name: 'Free', bytes: domain.freeBytes },
    ...(outside.restBytes > 0 ? [{ name: 'Outside the pool', bytes: outside.restBytes }] : []),
  ]
  // Few models have a draft: a column for it comes with the first.
  const footprints = [...pool.residents, ...(ghost ? [ghost] : [])].map(({ footprint }) => footprint)
  const hasDraft = footprints.flat().some(({ part }) => part === 'draft')
  const parts = partNames.filter(({ part }) => part !== 'draft' || hasDraft)
  return (
    // A wide table scrolls by itself; the keyboard scrolls what has the focus.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles['scroll']} role="region" aria-label={`Table of ${domain.name}`} tabIndex={0}>
      <table className={styles['table']}>
        <caption className={styles['caption']}>
          <span>
            {`${domain.name}, ${formatBytes(totalBytes)}`}
            {isPredicted && ' · ≈ predicted, not measured yet'}
          </span>
        </caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Total</th>
            {parts.map(({ part, name }) => (
              <th key={part} scope="col">
                {name}
              </th>
            ))}
            <th scope="col">KV used</th>
            <th scope="col">Tokens</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {pool.residents.map((resident) => (
            <ResidentRow
              key={resident.modelId}
              resident={resident}
              domain={domain}
              colour={models.find(({ id }) => id === resident.modelId)?.colour ?? null}
              isLeaving={leaving.has(resident.modelId)}
              parts={parts}
              onOpen={onOpen}
            />
          ))}
          {ghost && (
            <GhostRow
              ghost={ghost}
              colour={models.find(({ id }) => id === ghost.modelId)?.colour ?? null}
              parts={parts}
            />
          )}
        </tbody>
        <tbody>
          {pool.residents.length > 0 && (
            <tr className={styles['sum']}>
              <th scope="row">All models</th>
              <td>{formatBytes(domain.usedBytes)}</td>
              {parts.map(({ part }) => (
                <td key={part}>{formatBytes(sum(part))}</td>
              ))}
              <td>
                {formatBytes(
                  pool.residents.reduce((bytes, resident) => bytes + usedKvBytes(resident, domain.id), 0),
                )}
              </td>
              <td>
                {formatTokens(pool.residents.reduce((tokens, { usedTokens }) => tokens + usedTokens, 0))}
              </td>
              <td />
            </tr>
          )}
          {rest.map(({ name, bytes }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{formatBytes(bytes)}</td>
              <td colSpan={parts.length + 3} />
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr className={styles['sum']}>
            <th scope="row">{outside.restBytes + outside.otherBytes > 0 ? 'Machine' : domain.name}</th>
            <td>{formatBytes(totalBytes)}</td>
            <td colSpan={parts.length + 3} />
          </tr>
        </tfoot>
      </table>
    </div>
  )
}

function ResidentRow({
  resident,
  domain,
  colour,
  isLeaving,
  parts,
  onOpen,
}: {
  readonly resident: Resident
  readonly domain: Domain
  readonly colour: number | null
  readonly isLeaving: boolean
  readonly parts: typeof partNames
  readonly onOpen: PoolTableProps['onOpen']
}) {
  const inDomain = resident.footprint.filter((item) => item.domain === domain.id)
  const mark = (items: typeof inDomain) =>
    items.some((item) => sourceText(resident, item) === 'predicted') ? '≈ ' : ''
  const cell = (part: FootprintPartName) => {
    const items = inDomain.filter((item) => item.part === part)
    return `${mark(items)}${formatBytes(items.reduce((bytes, item) => bytes + item.bytes, 0))}`
  }
  return (
    <tr onContextMenu={openOwnMenu}>
      <th scope="row">
        <button
          type="button"
          className={styles['model']}
          aria-haspopup="dialog"
          onClick={(event) => onOpen(resident.modelId, event.currentTarget)}
        >
          <ModelSwatch colour={colour} />
          <span className={styles['name']}>{resident.name}</span>
        </button>
      </th>
      <td>{`${mark(inDomain)}${formatBytes(residentBytes(resident, { domain: domain.id }))}`}</td>
      {parts.map(({ part }) => (
        <td key={part}>{cell(part)}</td>
      ))}
      <td>{formatBytes(usedKvBytes(resident, domain.id))}</td>
      <td>{`${formatTokens(resident.usedTokens)} of ${formatTokens(resident.contextTokens)}`}</td>
      <td className={styles['state']}>
        {stateText(resident)}
        {resident.pinned && ', pinned'}
        {isLeaving && ', would have to leave'}
      </td>
    </tr>
  )
}

/** A model that is not loaded, with what it would take. */
function GhostRow({
  ghost,
  colour,
  parts,
}: {
  readonly ghost: Ghost
  readonly colour: number | null
  readonly parts: typeof partNames
}) {
  const [context, verdict] = ghost.notes
  return (
    <tr className={styles['ghost']} data-verdict={ghost.verdict}>
      <th scope="row">
        <span className={styles['model']}>
          <ModelSwatch colour={colour} hollow />
          <span className={styles['name']}>{ghost.name}</span>
        </span>
      </th>
      <td>{`≈ ${formatBytes(ghost.bytes)}`}</td>
      {parts.map(({ part }) => (
        <td key={part}>{`≈ ${formatBytes(residentBytes(ghost, { part }))}`}</td>
      ))}
      <td />
      <td>{context}</td>
      <td className={styles['state']}>{`Not loaded: ${verdict}`}</td>
    </tr>
  )
}
