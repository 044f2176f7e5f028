import { useImperativeHandle, useRef, type Ref } from 'react'
import type { PipelineFinding } from '../../contract/pipeline-report.ts'
import styles from './pipeline-editor.module.css'

/** What others may ask of the text. */
export type PipelineEditorHandle = {
  readonly show: (finding: Pick<PipelineFinding, 'line' | 'column'>) => void
}

/** The text of a pipeline with its lines numbered; lines that something is to be said of are marked. */
export function PipelineEditor({
  ref,
  text,
  findings,
  onChange,
}: {
  readonly ref: Ref<PipelineEditorHandle>
  readonly text: string
  readonly findings: readonly PipelineFinding[]
  readonly onChange: (text: string) => void
}) {
  const area = useRef<HTMLTextAreaElement>(null)
  const gutter = useRef<HTMLDivElement>(null)
  const lines = text.split('\n')
  useImperativeHandle(ref, () => ({
    show({ line, column }) {
      const field = area.current
      if (!field || line === null) return
      const before = field.value.split('\n').slice(0, line - 1)
      const start = before.reduce((sum, each) => sum + each.length + 1, 0)
      const end = start + (field.value.split('\n')[line - 1]?.length ?? 0)
      field.focus()
      field.setSelectionRange(Math.min(end, start + (column ?? 1) - 1), end)
      // The line in the middle, as far as there is text around it.
      field.scrollTop =
        ((line - 0.5) / field.value.split('\n').length) * field.scrollHeight - field.clientHeight / 2
    },
  }))
  // Errors come first, so that the worst of a line is kept.
  const worst = new Map<number, PipelineFinding['severity']>()
  for (const { line, severity } of findings) if (line !== null && !worst.has(line)) worst.set(line, severity)
  return (
    <div className={styles['editor']}>
      <div ref={gutter} className={styles['gutter']} aria-hidden="true">
        {lines.map((_, index) => (
          <span key={index} data-severity={worst.get(index + 1)}>
            {index + 1}
          </span>
        ))}
      </div>
      <textarea
        ref={area}
        className={styles['text']}
        aria-label="Text of the pipeline"
        spellCheck={false}
        wrap="off"
        value={text}
        onChange={(event) => onChange(event.target.value)}
        onScroll={({ currentTarget }) => {
          if (gutter.current) gutter.current.scrollTop = currentTarget.scrollTop
        }}
      />
    </div>
  )
}
