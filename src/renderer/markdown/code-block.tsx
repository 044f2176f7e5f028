import { memo, useState } from 'react'
import { CopyButton } from '../ui/copy-button.tsx'
import { formatCount } from '../ui/format.ts'
import { Icon } from '../ui/icon.tsx'
import styles from './code-block.module.css'
import { setWrapsCode, useWrapsCode } from './code-wrap.ts'
import { harmlessText } from './harmless-text.ts'
import type { CodeLine } from './highlight.ts'
import { PlainText } from './plain-text.tsx'
import { useHighlight } from './use-highlight.ts'

type CodeBlockProps = {
  /** As the fence names it: "ts", or "" when it does not. */
  readonly language: string
  readonly code: string
  /** Its end has not come: it is being written. */
  readonly isGrowing?: boolean
}

/** A block with more lines is folded once it is whole, to this many. */
const foldedOver = 60
const foldedTo = 40
/** What is longer is drawn in parts, without colours. */
const drawnCharacters = 100_000

/** A block of code with its language, and buttons that wrap long lines and copy it. */
export const CodeBlock = memo(function CodeBlock({ language, code, isGrowing = false }: CodeBlockProps) {
  const wraps = useWrapsCode()
  const isHuge = code.length > drawnCharacters
  return (
    <div className={styles['block']} role="group" aria-label={language ? `Code, ${language}` : 'Code'}>
      <div className={styles['bar']}>
        <span className={styles['language']}>{harmlessText(language) || 'code'}</span>
        <button
          type="button"
          className={styles['wrap']}
          aria-label="Wrap lines"
          aria-pressed={wraps}
          title="Wrap lines"
          onClick={() => setWrapsCode(!wraps)}
        >
          <Icon name="wrap" size={14} />
        </button>
        <CopyButton label="Copy code" text={() => code} />
      </div>
      {isHuge ? (
        <div className={styles['huge']}>
          <PlainText text={code} />
        </div>
      ) : (
        <Lines language={language} code={code} isGrowing={isGrowing} wraps={wraps} />
      )}
    </div>
  )
})

type LinesProps = {
  readonly language: string
  readonly code: string
  readonly isGrowing: boolean
  readonly wraps: boolean
}

function Lines({ language, code, isGrowing, wraps }: LinesProps) {
  const [isWhole, setIsWhole] = useState(isGrowing)
  const shown = harmlessText(code)
  const lines = useHighlight(shown, { language, isGrowing })
  const isFolded = !isWhole && lines.length > foldedOver
  const drawn = isFolded ? lines.slice(0, foldedTo) : lines
  return (
    <>
      {/* It scrolls by itself, so it takes the focus: arrows move it then. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <pre className={styles['code']} data-wraps={wraps || undefined} tabIndex={0}>
        <code>
          {drawn.map((line, index) => (
            <Line key={index} line={line} isLast={index === drawn.length - 1} />
          ))}
        </code>
      </pre>
      {lines.length > foldedOver && !isGrowing && (
        <button
          type="button"
          className={styles['fold']}
          aria-expanded={!isFolded}
          onClick={() => setIsWhole(isFolded)}
        >
          {isFolded ? `Show all ${formatCount(lines.length)} lines` : 'Show fewer lines'}
        </button>
      )}
    </>
  )
}

/** A line, drawn again only when a token of it is another one. */
const Line = memo(
  function Line({ line, isLast }: { readonly line: CodeLine; readonly isLast: boolean }) {
    return (
      <>
        {line.map(({ text, kind }, index) =>
          kind === null ? (
            text
          ) : (
            <span key={index} className={styles[kind]}>
              {text}
            </span>
          ),
        )}
        {!isLast && '\n'}
      </>
    )
  },
  (before, after) => before.isLast === after.isLast && areSame(before.line, after.line),
)

function areSame(one: CodeLine, other: CodeLine): boolean {
  return (
    one === other ||
    (one.length === other.length &&
      one.every((token, index) => token.text === other[index]?.text && token.kind === other[index].kind))
  )
}
