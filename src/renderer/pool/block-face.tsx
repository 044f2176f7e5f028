import { formatBytes } from '../../contract/bytes.ts'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import styles from './block-face.module.css'
import { residentBytes, residentNumbers, stateText, type Block } from './blocks.ts'
import { firstFitting, shortenName, type Measure } from './label.ts'
import { PartsStrip } from './parts-strip.tsx'

/** What labels need: how wide texts are, and the names of all blocks. */
export type Faces = {
  readonly name: Measure
  readonly note: Measure
  /** Pixels of one rem. */
  readonly remPx: number
  readonly names: readonly string[]
}

type Size = { readonly width: number; readonly height: number }

// In rem: what a line, a margin and a strip of parts take.
const margin = { wide: 0.6, narrow: 0.35 }
const lineHeight = 1.2
const stripFrom = 4.6
const noteFrom = 2.9

/** Whether a block is too small to be pressed or named; it gets a chip of its own then. */
export function isTiny(
  block: Block,
  { node, faces }: { readonly node: Size; readonly faces: Faces },
): boolean {
  const { remPx } = faces
  if (node.width < 1.75 * remPx || node.height < 1.45 * remPx) return true
  return labelOf(block, { ...node, faces }).name === ''
}

function labelOf(block: Block, { width, height, faces }: Size & { readonly faces: Faces }) {
  const { remPx } = faces
  const side = width < 5 * remPx ? margin.narrow : margin.wide
  const inner = width - 2 * side * remPx - 2
  const isPinned = block.kind === 'resident' && block.resident.pinned
  const hasMark = isPinned && inner > 4.5 * remPx
  const name = shortenName(block.name, {
    widthPx: inner - (hasMark ? 1.1 * remPx : 0),
    measure: faces.name,
    others: faces.names,
  })
  const note =
    height < noteFrom * remPx ? '' : firstFitting(notesOf(block), { widthPx: inner, measure: faces.note })
  return { name, note, hasMark, side }
}

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
      return [`${bytes} · ${block.note}`, bytes]
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
  const { name, note, hasMark, side } = labelOf(block, { width, height, faces })
  const room = height - (note === '' ? 1 : 2) * lineHeight * faces.remPx
  const hasStrip = height >= stripFrom * faces.remPx
  return (
    <span className={styles['face']} style={{ paddingInline: `${side}rem` }} aria-hidden="true">
      <span className={styles['name']}>
        {name}
        {hasMark && (
          <span className={styles['mark']}>
            <Icon name="pin" size={13} />
          </span>
        )}
      </span>
      {note !== '' && <span className={styles['note']}>{note}</span>}
      {block.kind === 'resident' && room > 0.5 * faces.remPx && (
        <span className={styles['strip']} data-thin={!hasStrip || undefined}>
          <PartsStrip resident={block.resident} />
        </span>
      )}
    </span>
  )
}

/** A tiny block as a chip: all of its name, and its size or what it is doing. */
export function BlockChip({ block }: { readonly block: Block }) {
  const note =
    block.kind === 'resident' && block.resident.state !== 'ready' && block.resident.state !== 'busy'
      ? stateText(block.resident)
      : formatBytes(block.bytes)
  return (
    <span className={styles['chip']} aria-hidden="true">
      {block.kind === 'resident' ? (
        <ModelSwatch colour={block.colour} hollow={block.bytes === 0} />
      ) : (
        <span className={styles['plain']} data-kind={block.kind} />
      )}
      <span className={styles['chipName']}>{block.name}</span>
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
  if (block.kind === 'ghost') words.push(block.note)
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
    : `${block.name}: ${formatBytes(block.bytes)}${block.kind === 'ghost' ? `, ${block.note}` : ''}`
}
