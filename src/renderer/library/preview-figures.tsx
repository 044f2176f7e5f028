import { formatBytes } from '../../contract/bytes.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import { partNames } from '../pool/blocks.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import styles from './preview-figures.module.css'
import {
  contextText,
  growthText,
  previewBytes,
  refusalText,
  reliefTexts,
  verdictText,
} from './preview-text.ts'

/** What a load would take, in parts, what it would mean for the others, and what would help. */
export function PreviewFigures({ preview }: { readonly preview: LoadPreview }) {
  const { verdict, footprint, warnings } = preview
  const parts = partNames
    .map(({ part, name }) => ({ name, bytes: previewBytes(preview, part) }))
    .filter(({ bytes }) => bytes > 0)
  const domains = [...new Set(footprint.map(({ domain }) => domain))]
  const notes = [growthText(preview), ...reliefTexts(verdict), ...warnings].filter((text) => text !== null)
  return (
    <div className={styles['figures']}>
      <p className={styles['total']}>
        <strong>{formatBytes(previewBytes(preview))}</strong>
        {` with ${contextText(preview)}`}
      </p>
      <dl className={styles['parts']}>
        {parts.map(({ name, bytes }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{formatBytes(bytes)}</dd>
          </div>
        ))}
        {domains.length > 1 &&
          domains.map((domain) => (
            <div key={domain}>
              <dt>{domain === 'vram' ? 'In VRAM' : 'In main memory'}</dt>
              <dd>
                {formatBytes(
                  footprint.reduce((sum, item) => sum + (item.domain === domain ? item.bytes : 0), 0),
                )}
              </dd>
            </div>
          ))}
      </dl>
      {notes.map((text) => (
        <p key={text} className={styles['note']}>
          {text}
        </p>
      ))}
      <div aria-live="polite">
        {verdict.kind === 'refused' ? (
          <ProblemText
            problem={{ ...verdict.problem, message: refusalText(verdict.problem) }}
            hasRemedies={verdict.remedies.length > 0}
          >
            <Remedies remedies={verdict.remedies} modelId={preview.modelId} />
          </ProblemText>
        ) : (
          <p className={styles['verdict']} data-verdict={verdict.kind}>
            {verdictText(verdict)}
          </p>
        )}
      </div>
      {verdict.kind === 'waits' && <Remedies remedies={verdict.remedies} modelId={preview.modelId} />}
    </div>
  )
}
