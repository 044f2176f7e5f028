import {
  createContext,
  memo,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type ReactElement,
} from 'react'
import { createPortal } from 'react-dom'
import { Treemap, type TreemapNode } from 'recharts'
import type { Domain, PoolSnapshot } from '../../contract/memory.ts'
import { openOwnMenu } from '../ui/own-menu.ts'
import { useSize } from '../ui/use-size.ts'
import { BlockChip, BlockFace, blockLabel, blockTitle, isTiny, type Faces } from './block-face.tsx'
import { summarise, type Block } from './blocks.ts'
import { textMeasure } from './label.ts'
import styles from './pool-treemap.module.css'
import { isRovingKey, nextBox } from './roving.ts'

type PoolTreemapProps = {
  readonly pool: PoolSnapshot
  readonly domain: Domain
  readonly blocks: readonly Block[]
  /** Models that would have to leave for what is proposed. */
  readonly leaving: ReadonlySet<string>
  readonly nextModelId: string | null
  /** Opens what can be done with a block, beside the element that was pressed. */
  readonly onOpen: (block: Block, anchor: HTMLElement) => void
}

/**
 * The pool as a picture: area is bytes, laid out by recharts. The rectangles themselves are buttons above its
 * drawing, so that they keep their identity (and their focus) while they move.
 */
export function PoolTreemap({ pool, domain, blocks, ...rest }: PoolTreemapProps) {
  const [canvas, setCanvas] = useState<HTMLDivElement | null>(null)
  const [layer, setLayer] = useState<HTMLDivElement | null>(null)
  const size = useSize(canvas)
  // Only what the layout depends on, as a text: most snapshots of the pool leave it as it is.
  const areas = JSON.stringify(
    blocks.filter(({ bytes }) => bytes > 0).map(({ key, name, bytes }) => ({ key, name, bytes })),
  )
  return (
    <figure className={styles['treemap']}>
      <figcaption className="visually-hidden">{summarise(pool, domain)}</figcaption>
      <BlocksContext value={{ blocks, size, ...rest }}>
        <div ref={setCanvas} className={styles['canvas']} aria-hidden="true">
          {size.width > 0 && size.height > 0 && layer && (
            <Layout areas={areas} width={size.width} height={size.height} layer={layer} />
          )}
        </div>
      </BlocksContext>
      <div ref={setLayer} className={styles['layer']} role="group" aria-label={`Blocks of ${domain.name}`} />
    </figure>
  )
}

type LayoutProps = {
  /** Keys, names and bytes as JSON. */
  readonly areas: string
  readonly width: number
  readonly height: number
  /** The element above the drawing in which the blocks are put. */
  readonly layer: HTMLElement
}

/** recharts' squarified layout. Drawn anew only when an area changes; the blocks in it follow the pool by themselves. */
const Layout = memo(function Layout({ areas, width, height, layer }: LayoutProps) {
  const content = (node: TreemapNode): ReactElement =>
    node.depth === 0 ? createPortal(<Blocks nodes={node.children ?? []} />, layer) : <g />
  return (
    <Treemap
      data={JSON.parse(areas) as { key: string; name: string; bytes: number }[]}
      dataKey="bytes"
      width={width}
      height={height}
      nodeGap={3}
      isAnimationActive={false}
      content={content}
    />
  )
})

type BlocksValue = Pick<PoolTreemapProps, 'blocks' | 'leaving' | 'nextModelId' | 'onOpen'> & {
  readonly size: { readonly width: number; readonly height: number }
}

const BlocksContext = createContext<BlocksValue | null>(null)

function Blocks({ nodes }: { readonly nodes: readonly TreemapNode[] }) {
  const value = useContext(BlocksContext)
  return value && <PlacedBlocks nodes={nodes} {...value} />
}

type PlacedBlocksProps = BlocksValue & { readonly nodes: readonly TreemapNode[] }

function PlacedBlocks({ blocks, nodes, size, leaving, nextModelId, onOpen }: PlacedBlocksProps) {
  const faces = useFaces(blocks)
  const [activeKey, setActiveKey] = useState<string | null>(null)
  const group = useRef<HTMLDivElement>(null)
  const places = new Map(nodes.map((node) => [node['key'], node]))
  const placed = blocks.map((block) => ({ block, node: places.get(block.key) }))
  const isSmall = ({ block, node }: (typeof placed)[number]) => !node || isTiny(block, { node, faces })
  const large = placed.filter((item) => !isSmall(item))
  const tiny = placed.filter(isSmall)
  const order = [...large, ...tiny].map(({ block }) => block.key)
  const tabKey = activeKey !== null && order.includes(activeKey) ? activeKey : order[0]
  useFocusKept(group, { order, activeKey })

  const onKeyDown = (event: KeyboardEvent<HTMLButtonElement>) => {
    if (!isRovingKey(event.key) || event.altKey || event.ctrlKey || event.metaKey) return
    const buttons = focusables(group.current)
    const from = buttons.indexOf(event.currentTarget)
    buttons[
      nextBox(
        buttons.map((button) => button.getBoundingClientRect()),
        { from, key: event.key },
      )
    ]?.focus()
    event.preventDefault()
  }
  const openTiny = (target: EventTarget) => {
    const key = target instanceof HTMLElement ? target.dataset['chip'] : undefined
    const chip = focusables(group.current).find(({ dataset }) => dataset['key'] === key)
    const block = blocks.find((item) => item.key === key)
    if (chip && block) onOpen(block, chip)
  }
  const buttonProps = (block: Block) => ({
    type: 'button' as const,
    title: blockTitle(block),
    'aria-label': blockLabel(block, {
      isLeaving: isLeaving(block, leaving),
      isNext: isNext(block, nextModelId),
    }),
    'aria-haspopup': 'dialog' as const,
    'data-key': block.key,
    tabIndex: block.key === tabKey ? 0 : -1,
    onKeyDown,
    onFocus: () => setActiveKey(block.key),
  })
  return (
    <div ref={group} className={styles['blocks']}>
      {/* Tiny blocks are pressed here by the mouse only; keyboard and screen reader use their chips. */}
      {/* eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-static-element-interactions */}
      <div className={styles['map']} onClick={(event) => openTiny(event.target)}>
        {placed.map(({ block, node }) => {
          if (!node) return null
          const common = {
            className: styles['block'],
            'data-kind': block.kind,
            'data-colour': block.kind === 'resident' ? block.colour % 10 : undefined,
            'data-state': block.kind === 'resident' ? block.resident.state : undefined,
            'data-verdict': block.kind === 'ghost' ? block.verdict : undefined,
            'data-next': isNext(block, nextModelId) || undefined,
            'data-leaving': isLeaving(block, leaving) || undefined,
            style: place(node, size),
          }
          // Too small to hit or to name: drawn, and pressed by its chip below.
          return isTiny(block, { node, faces }) ? (
            <span
              key={block.key}
              data-chip={block.key}
              title={blockTitle(block)}
              aria-hidden="true"
              {...common}
            />
          ) : (
            <div key={block.key} {...common} onContextMenu={openOwnMenu}>
              <BlockFace block={block} width={node.width} height={node.height} faces={faces} />
              <button
                {...buttonProps(block)}
                className={styles['hit']}
                onClick={(event) => onOpen(block, event.currentTarget)}
              />
            </div>
          )
        })}
      </div>
      {tiny.length > 0 && (
        <div className={styles['chips']}>
          {tiny.map(({ block }) => (
            <div
              key={block.key}
              className={styles['chip']}
              data-leaving={isLeaving(block, leaving) || undefined}
              onContextMenu={openOwnMenu}
            >
              <BlockChip block={block} widthPx={size.width} faces={faces} />
              <button
                {...buttonProps(block)}
                className={styles['hit']}
                onClick={(event) => onOpen(block, event.currentTarget)}
              />
            </div>
          ))}
        </div>
      )}
    </div>
  )
}

function isLeaving(block: Block, leaving: ReadonlySet<string>): boolean {
  return block.kind === 'resident' && leaving.has(block.resident.modelId)
}

function isNext(block: Block, nextModelId: string | null): boolean {
  return block.kind === 'resident' && block.resident.modelId === nextModelId
}

/** In per cent, so that a window that changes its size does not set off the blocks' own movement. */
function place(node: TreemapNode, size: { readonly width: number; readonly height: number }) {
  const share = (part: number, whole: number) => `${(100 * part) / whole}%`
  return {
    left: share(node.x, size.width),
    top: share(node.y, size.height),
    width: share(node.width, size.width),
    height: share(node.height, size.height),
  }
}

function useFaces(blocks: readonly Block[]): Faces {
  const measures = useMemo(
    () => ({
      name: textMeasure({ size: 0.8125, weight: 600 }),
      note: textMeasure({ size: 0.71875, weight: 400 }),
      remPx: Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16,
    }),
    [],
  )
  return { ...measures, names: blocks.map(({ name }) => name) }
}

function focusables(group: HTMLElement | null): readonly HTMLElement[] {
  return group ? [...group.querySelectorAll<HTMLElement>('button')] : []
}

/** When the block that has the focus goes away, or changes between block and chip, the focus stays among the blocks. */
function useFocusKept(
  group: { readonly current: HTMLElement | null },
  { order, activeKey }: { readonly order: readonly string[]; readonly activeKey: string | null },
): void {
  const held = useRef(false)
  useEffect(() => {
    const element = group.current
    if (!element) return
    const enter = () => {
      held.current = true
    }
    const leave = (event: FocusEvent) => {
      // An element that is taken off the page sends no event or one without a next target while it still has the focus.
      if (event.relatedTarget !== null || document.activeElement !== document.body) held.current = false
    }
    const press = () => {
      if (!element.contains(document.activeElement)) held.current = false
    }
    element.addEventListener('focusin', enter)
    element.addEventListener('focusout', leave)
    document.addEventListener('pointerdown', press, true)
    return () => {
      element.removeEventListener('focusin', enter)
      element.removeEventListener('focusout', leave)
      document.removeEventListener('pointerdown', press, true)
    }
  }, [group])
  const signature = order.join('\n')
  useEffect(() => {
    if (!held.current || document.activeElement !== document.body) return
    const buttons = focusables(group.current)
    const target = buttons.find(({ dataset }) => dataset['key'] === activeKey) ?? buttons[0]
    target?.focus()
  }, [group, signature, activeKey])
}
