import { memo } from 'react'
import { CopyButton } from '../ui/copy-button.tsx'
import styles from './code-block.module.css'

type CodeBlockProps = {
  /** As the fence names it: "ts", or "" when it does not. */
  readonly language: string
  readonly code: string
}

/** A block of code with its language and a button that copies it. */
export const CodeBlock = memo(function CodeBlock({ language, code }: CodeBlockProps) {
  return (
    <div className={styles['block']} role="group" aria-label={language ? `Code, ${language}` : 'Code'}>
      <div className={styles['bar']}>
        <span>{language || 'code'}</span>
        <CopyButton label="Copy code" text={() => code} />
      </div>
      <pre className={styles['code']}>
        <code>{code}</code>
      </pre>
    </div>
  )
})
