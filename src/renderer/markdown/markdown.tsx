import { isValidElement, memo, useMemo, useState, type ReactElement, type ReactNode } from 'react'
import ReactMarkdown, { type Components, type Options } from 'react-markdown'
import remarkGfm from 'remark-gfm'
// Says what a plugin may add to its parser.
import type {} from 'remark-parse'
import { previewLink } from '../store.ts'
import { CodeBlock } from './code-block.tsx'
import { Formula } from './formula.tsx'
import { harmlessText } from './harmless-text.ts'
import { formulaLanguages, splitBlocks, type MarkdownBlock } from './markdown-blocks.ts'
import { settleEnd } from './markdown-end.ts'
import { isTangled } from './markdown-limits.ts'
import { formulaFromMarkdown, formulaSyntax } from './math-syntax.ts'
import { outsideUrl } from './outside-link.ts'
import { MoreButton, PlainText } from './plain-text.tsx'
import { usePaced } from './use-paced.ts'
import styles from './markdown.module.css'

type MarkdownProps = {
  readonly text: string
  /** More text follows: a caret stands at its end. */
  readonly isGrowing: boolean
}

/** What goes onto the page at once: characters and blocks. The rest follows at a press. */
const part = { characters: 60_000, blocks: 400 } as const

/**
 * An answer's Markdown as elements of the page. Raw HTML is shown as the text it is, nothing is fetched: images
 * are links, and links go outside after a look at where they lead. While it grows only the last block is drawn again.
 */
export function Markdown({ text, isGrowing }: MarkdownProps) {
  // What was seen while it grew stays.
  const [parts, setParts] = useState(isGrowing ? Infinity : 1)
  const { blocks, hidden } = useMemo(() => takeParts(text, parts, { isGrowing }), [text, parts, isGrowing])
  return (
    <div className={styles['markdown']} data-growing={isGrowing || undefined}>
      {blocks.map((block, index) => (
        <Block key={index} block={block} isGrowing={isGrowing && index === blocks.length - 1} />
      ))}
      <MoreButton hidden={hidden} onMore={() => setParts(parts + 1)} />
    </div>
  )
}

function takeParts(
  text: string,
  parts: number,
  { isGrowing }: { readonly isGrowing: boolean },
): { readonly blocks: readonly MarkdownBlock[]; readonly hidden: number } {
  const most = part.characters * parts
  const lineEnd = text.length > most ? text.lastIndexOf('\n', most) : text.length
  const shown = text.slice(0, lineEnd > most / 2 ? lineEnd : most)
  const blocks = splitBlocks(harmlessText(shown), { isGrowing })
  const left = blocks.slice(part.blocks * parts)
  const hiddenBlocks = left.reduce((sum, block) => sum + lengthOf(block), 0)
  return {
    blocks: left.length === 0 ? blocks : blocks.slice(0, part.blocks * parts),
    hidden: text.length - shown.length + hiddenBlocks,
  }
}

function lengthOf(block: MarkdownBlock): number {
  return block.kind === 'code'
    ? block.code.length
    : block.kind === 'formula'
      ? block.source.length
      : block.text.length
}

function Block({ block, isGrowing }: { readonly block: MarkdownBlock; readonly isGrowing: boolean }) {
  switch (block.kind) {
    case 'code':
      return <CodeBlock language={block.language} code={block.code} isGrowing={isGrowing} />
    case 'formula':
      return <Formula source={block.source} isDisplay isOpen={block.isOpen} />
    case 'text':
      return <TextBlock text={block.text} definitions={block.definitions} isGrowing={isGrowing} />
    default:
      return block satisfies never
  }
}

type TextBlockProps = {
  readonly text: string
  readonly definitions: string | undefined
  readonly isGrowing: boolean
}

function TextBlock({ text, definitions, isGrowing }: TextBlockProps) {
  const paced = usePaced(text, isGrowing ? paceOf(text) : 0)
  const settled = isGrowing ? settleEnd(paced) : paced
  return <DrawnText text={definitions === undefined ? settled : `${settled}\n\n${definitions}`} />
}

/**
 * How often a growing block is drawn, in milliseconds; 0 is every frame. Parsing takes about 2 ms per 1,000 characters
 * (measured), which is too much for each frame once a single paragraph, list or table is very long.
 */
function paceOf({ length }: string): number {
  return length < 2000 ? 0 : Math.min(800, 50 * 2 ** Math.floor(Math.log2(length / 2000)))
}

const DrawnText = memo(function DrawnText({ text }: { readonly text: string }) {
  return (
    <div className={styles['text']}>{(isTangled(text) ? null : draw(text)) ?? <PlainText text={text} />}</div>
  )
})

/** The elements of a block; null when there is no making sense of it. */
function draw(text: string): ReactElement | null {
  try {
    // A plain function without hooks; called as one, so that a text that nests too deeply can be shown in another way.
    return readMarkdown({
      remarkPlugins,
      remarkRehypeOptions,
      components,
      urlTransform: outsideUrl,
      children: text,
    })
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

const readMarkdown: (options: Options) => ReactElement = ReactMarkdown
const remarkRehypeOptions = { footnoteLabelTagName: 'p', footnoteLabelProperties: { className: ['notes'] } }
const remarkPlugins: Options['remarkPlugins'] = [
  // "~5 and ~10" are no marks.
  [remarkGfm, { singleTilde: false }],
  function readFormulas() {
    const data = this.data()
    ;(data.micromarkExtensions ??= []).push(formulaSyntax())
    ;(data.fromMarkdownExtensions ??= []).push(formulaFromMarkdown())
  },
]

const components: Components = {
  // The box of a task in a list: whether it is done is all that it says.
  input: ({ type, checked }) =>
    type === 'checkbox' ? (
      <input
        type="checkbox"
        aria-label={checked === true ? 'Done' : 'To do'}
        checked={checked === true}
        disabled
        readOnly
      />
    ) : null,
  a: ({ href, children }) => <OutsideLink href={href}>{children}</OutsideLink>,
  img: ({ src, alt }) => (
    <OutsideLink href={typeof src === 'string' ? src : undefined}>
      {alt === undefined || alt === '' ? 'Image' : `Image: ${alt}`}
    </OutsideLink>
  ),
  code: ({ className, children }) =>
    className?.startsWith('formula') && typeof children === 'string' ? (
      <Formula source={children} isDisplay={className.includes('display')} />
    ) : (
      <code>{children}</code>
    ),
  pre: ({ children }) => {
    if (!isValidElement<{ className?: string; children?: ReactNode }>(children)) return <pre>{children}</pre>
    const { className = '', children: code } = children.props
    const language = /language-(\S+)/.exec(className)?.[1] ?? ''
    const source = typeof code === 'string' ? code.replace(/\n$/, '') : ''
    if (language === formulaLanguages.whole || language === formulaLanguages.open)
      return <Formula source={source} isDisplay isOpen={language === formulaLanguages.open} />
    return <CodeBlock language={language} code={source} />
  },
  // It scrolls by itself, so it takes the focus: arrows move it then.
  table: ({ children }) => (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={styles['table']} role="group" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
}

function OutsideLink({
  href,
  children,
}: {
  readonly href: string | undefined
  readonly children: ReactNode
}) {
  if (href === undefined || href === '') return <span>{children}</span>
  return (
    <a
      href={href}
      target="_blank"
      rel="noopener noreferrer"
      title={href}
      onClick={(event) => {
        event.preventDefault()
        previewLink({ address: href, shownAs: event.currentTarget.textContent })
      }}
      // The wheel's button would open it at once.
      onAuxClick={(event) => {
        if (event.button === 1) event.preventDefault()
      }}
    >
      {children}
    </a>
  )
}
