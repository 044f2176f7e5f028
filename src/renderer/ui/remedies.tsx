import { formatBytes } from '../../contract/bytes.ts'
import type { Remedy } from '../../contract/errors.ts'
import { followAdvice } from '../proposal.ts'
import { attempt, host } from '../store.ts'
import { Button } from './button.tsx'
import { formatTokens } from './format.ts'
import styles from './remedies.module.css'

type RemediesProps = {
  readonly remedies: readonly Remedy[]
  /** The model that they make room for. */
  readonly modelId: string
}

/** What would make room, one press each. What a press changed is seen in the pool; nothing is loaded by it. */
export function Remedies({ remedies, modelId }: RemediesProps) {
  if (remedies.length === 0) return null
  return (
    <ul className={styles['remedies']}>
      {remedies.map((remedy) => (
        <li key={`${remedy.kind} ${remedy.modelId ?? ''}`}>
          <RemedyLine remedy={remedy} forId={modelId} />
        </li>
      ))}
    </ul>
  )
}

function RemedyLine({ remedy, forId }: { readonly remedy: Remedy; readonly forId: string }) {
  const { kind, name, modelId, contextTokens } = remedy
  const frees = `frees ${formatBytes(remedy.freesBytes)}`
  const saves = `saves ${formatBytes(remedy.freesBytes)}`
  const context = contextTokens === undefined ? '' : `context of ${formatTokens(contextTokens)} tokens`
  switch (kind) {
    case 'unpin':
      return modelId === undefined ? (
        <>{`Unpin ${name}: ${frees}`}</>
      ) : (
        <Button onClick={() => void attempt(() => host().models.unpin({ id: modelId }))}>
          {`Unpin ${name}: ${frees}`}
        </Button>
      )
    case 'unload':
      return modelId === undefined ? (
        <>{`Unload ${name}: ${frees}`}</>
      ) : (
        <Button onClick={() => void attempt(() => host().models.unload({ id: modelId }))}>
          {`Unload ${name}: ${frees}`}
        </Button>
      )
    case 'wait':
      return <>{`Wait until ${name} has answered: ${frees}`}</>
    case 'shorten':
      return (
        <Button onClick={() => followAdvice(forId, contextTokens === undefined ? {} : { contextTokens })}>
          {`Context of ${formatTokens(contextTokens ?? 0)} tokens: ${saves}`}
        </Button>
      )
    case 'kvType':
      return (
        <Button
          onClick={() =>
            followAdvice(forId, { kvType: 'q8_0', ...(contextTokens !== undefined && { contextTokens }) })
          }
        >
          {`q8_0 KV cache${context && ` and ${context}`}: ${saves}`}
        </Button>
      )
    default:
      return kind satisfies never
  }
}
