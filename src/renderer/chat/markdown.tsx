import { isValidElement, memo, useMemo, type ReactNode } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { CodeBlock } from './code-block.tsx'
import { splitBlocks } from './markdown-blocks.ts'
import { usePaced } from './use-paced.ts'
import styles from './markdown.module.css'

type MarkdownProps = {
  readonly text: string
  /** More text follows: a caret stands at its end. */
  readonly isGrowing: boolean
}

/**
 * An answer's Markdown as elements of the page. Raw HTML is shown as the text it is, nothing is fetched: images
 * are links, and links go outside. While it grows only the last block is drawn again.
 */
export function Markdown({ text, isGrowing }: MarkdownProps) {
  const blocks = useMemo(() => splitBlocks(text, { isGrowing }), [text, isGrowing])
  return (
    <div className={styles['markdown']} data-growing={isGrowing || undefined}>
      {blocks.map((block, index) =>
        block.kind === 'code' ? (
          <CodeBlock key={index} language={block.language} code={block.code} />
        ) : (
          <TextBlock
            key={index}
            text={block.text}
            paceMs={isGrowing && index === blocks.length - 1 ? paceOf(block.text) : 0}
          />
        ),
      )}
    </div>
  )
}

const remarkPlugins = [remarkGfm]

type TextBlockProps = {
  readonly text: string
  /** Draw again at most this often; 0: with every change. */
  readonly paceMs: number
}

function TextBlock({ text, paceMs }: TextBlockProps) {
  return <DrawnText text={usePaced(text, paceMs)} />
}

/**
 * How often a growing block is drawn, in milliseconds; 0 is every frame. Parsing takes about 2 ms per 1,000 characters
 * (measured), which is too much for each frame once a single paragraph, list or table is very long.
 */
function paceOf({ length }: string): number {
  return length < 4000 ? 0 : Math.min(800, 100 * 2 ** Math.floor(Math.log2(length / 4000)))
}

const DrawnText = memo(function DrawnText({ text }: { readonly text: string }) {
  return (
    <div className={styles['text']}>
      <ReactMarkdown remarkPlugins={remarkPlugins} components={components} urlTransform={outsideUrl}>
        {text}
      </ReactMarkdown>
    </div>
  )
})

const components: Components = {
  a: ({ href, children }) => <OutsideLink href={href}>{children}</OutsideLink>,
  img: ({ src, alt }) => (
    <OutsideLink href={typeof src === 'string' ? src : undefined}>
      {alt === undefined || alt === '' ? 'Image' : `Image: ${alt}`}
    </OutsideLink>
  ),
  pre: ({ children }) => {
    if (!isValidElement<{ className?: string; children?: ReactNode }>(children)) return <pre>{children}</pre>
    const { className = '', children: code } = children.props
    return (
      <CodeBlock
        language={/language-(\S+)/.exec(className)?.[1] ?? ''}
        code={typeof code === 'string' ? code.replace(/\n$/, '') : ''}
      />
    )
  },
  table: ({ children }) => (
    <div className={styles['table']}>
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
    <a href={href} target="_blank" rel="noopener noreferrer" title={href}>
      {children}
    </a>
  )
}

/** The address when it leads outside by http, https or mail; else nothing. */
export function outsideUrl(url: string): string {
  return URL.canParse(url) && ['http:', 'https:', 'mailto:'].includes(new URL(url).protocol) ? url : ''
}
