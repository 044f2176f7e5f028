import { formatBytes } from '../../contract/bytes.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import styles from './block-face.module.css'
import { residentBytes, residentNumbers, stateText, type Block } from './blocks.ts'
import { firstFitting, fitName, shortenName, type Measure } from './label.ts'
import { GhostStrip, PartsStrip } from './parts-strip.tsx'

/** What labels need: how wide texts are, and the names of all blocks. */
export type Faces = {
  readonly name: Measure
  readonly note: Measure
  /** Pixels of one rem. */
  readonly remPx: number
  readonly names: readonly string[]
}

type Size = { readonly width: number; readonly height: number }

// In rem: what a line, margins and a strip of parts take.
const margin = { wide: 0.6, narrow: 0.35, block: 0.7 }
const lineHeight = 1.2
const stripHeight = 1

/** Whether a block is too small to be pressed or named; it gets a chip of its own then. */
export function isTiny(
  block: Block,
  { node, faces }: { readonly node: Size; readonly faces: Faces },
): boolean {
  const { remPx } = faces
  if (node.width < 1.75 * remPx || node.height < 1.45 * remPx) return true
  return labelOf(block, { ...node, faces }).name.length === 0
}

function labelOf(block: Block, { width, height, faces }: Size & { readonly faces: Faces }) {
  const { remPx } = faces
  const side = width < 5 * remPx ? margin.narrow : margin.wide
  const inner = width - 2 * side * remPx - 2
  const isPinned = block.kind === 'resident' && block.resident.pinned
  const hasMark = isPinned && inner > 4.5 * remPx
  const lines = Math.max(1, Math.floor((height / remPx - margin.block) / lineHeight))
  const widthPx = inner - (hasMark ? 1.1 * remPx : 0)
  const name =
    block.kind === 'resident' || block.kind === 'ghost'
      ? fitName(block.name, {
          widthPx,
          // A line is for the size, unless there is only one.
          lines: Math.min(3, Math.max(1, lines - 1)),
          measure: faces.name,
          others: faces.names,
        })
      : // Plain words say nothing when they are cut: a shorter word, or none.
        [firstFitting([block.name, shortNames[block.kind]], { widthPx, measure: faces.name })].filter(Boolean)
  const note =
    lines > name.length ? firstFitting(notesOf(block), { widthPx: inner, measure: faces.note }) : ''
  const restRem = height / remPx - margin.block - lineHeight * (name.length + (note === '' ? 0 : 1))
  return { name, note, hasMark, side, restRem }
}

const shortNames = { other: 'Others', outside: 'Outside', reserve: 'Reserve', free: 'Free' } as const

/** What is said under the name, longest first. */
function notesOf(block: Block): readonly string[] {
  const bytes = formatBytes(block.bytes)
  switch (block.kind) {
    case 'resident': {
      const { state } = block.resident
      if (state !== 'ready' && state !== 'busy') return [stateText(block.resident), shortState(block), bytes]
      const facts = block.quantization === null ? [] : [`${bytes} · ${block.quantization}`]
      return [...(state === 'busy' ? [`${facts[0] ?? bytes} · answering`] : []), ...facts, bytes]
    }
    case 'ghost':
      return [[bytes, ...block.notes].join(' · '), `${bytes} · ${block.notes[0]}`, bytes]
    case 'other':
    case 'reserve':
    case 'free':
    case 'outside':
      return [bytes]
    default:
      return block satisfies never
  }
}

function shortState(block: Extract<Block, { kind: 'resident' }>): string {
  const { resident } = block
  const weights = residentBytes(resident, { part: 'weights' })
  if (resident.state === 'loading' && resident.loadedBytes !== null && weights > 0)
    return `${Math.floor((100 * Math.min(resident.loadedBytes, weights)) / weights)} %`
  return stateText(resident)
}

/** The inside of a block: its name, its size, and its parts. */
export function BlockFace({
  block,
  width,
  height,
  faces,
}: Size & { readonly block: Block; readonly faces: Faces }) {
  const { name, note, hasMark, side, restRem } = labelOf(block, { width, height, faces })
  return (
    <span className={styles['face']} style={{ paddingInline: `${side}rem` }} aria-hidden="true">
      <span className={styles['name']}>
        <span>
          {name.map((line) => (
            <span key={line} className={styles['line']}>
              {line}
            </span>
          ))}
        </span>
        {hasMark && (
          <span className={styles['mark']}>
            <Icon name="pin" size={13} />
          </span>
        )}
      </span>
      {note !== '' && <span className={styles['note']}>{note}</span>}
      {(block.kind === 'resident' || block.kind === 'ghost') && restRem > 0.25 && (
        <span className={styles['strip']} data-thin={restRem < stripHeight || undefined}>
          {block.kind === 'resident' ? (
            <PartsStrip resident={block.resident} domain={block.domain} />
          ) : (
            <GhostStrip footprint={block.footprint} />
          )}
        </span>
      )}
    </span>
  )
}

/** A tiny block as a chip: its name, and its size or what it is doing. */
export function BlockChip({
  block,
  widthPx,
  faces,
}: {
  readonly block: Block
  readonly widthPx: number
  readonly faces: Faces
}) {
  const note =
    block.kind === 'resident' && block.resident.state !== 'ready' && block.resident.state !== 'busy'
      ? stateText(block.resident)
      : formatBytes(block.bytes)
  // Beside the name: swatch, gaps, the note, and a pin.
  const room = widthPx - faces.note(note) - 4.5 * faces.remPx
  const name = shortenName(block.name, { widthPx: Math.max(room, 8 * faces.remPx), measure: faces.name })
  return (
    <span className={styles['chip']} aria-hidden="true">
      {block.kind === 'resident' ? (
        <ModelSwatch colour={block.colour} hollow={block.bytes === 0} />
      ) : (
        <span className={styles['plain']} data-kind={block.kind} />
      )}
      <span>{name}</span>
      <span className={styles['chipNote']}>{note}</span>
      {block.kind === 'resident' && block.resident.pinned && <Icon name="pin" size={12} />}
    </span>
  )
}

/** What a screen reader says of a block. */
export function blockLabel(
  block: Block,
  { isLeaving, isNext }: { readonly isLeaving: boolean; readonly isNext: boolean },
): string {
  const words = [block.name, formatBytes(block.bytes)]
  if (block.kind === 'ghost') words.push(...block.notes, 'not loaded')
  if (block.kind === 'resident') {
    words.push(stateText(block.resident))
    if (block.resident.pinned) words.push('pinned')
  }
  if (isNext) words.push('takes the next turn')
  if (isLeaving) words.push('would have to leave')
  return words.join(', ')
}

/** All numbers of a block, for the tooltip. */
export function blockTitle(block: Block): string {
  return block.kind === 'resident'
    ? residentNumbers(block.resident)
    : [
        `${block.name}: ${formatBytes(block.bytes)}`,
        ...(block.kind === 'ghost' ? [...block.notes, 'not loaded'] : []),
      ].join(', ')
}
