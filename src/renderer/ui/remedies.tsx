import { formatBytes } from '../../contract/bytes.ts'
import type { Remedy } from '../../contract/errors.ts'
import type { LoadOptions } from '../../contract/model.ts'
import { attempt, host } from '../store.ts'
import { Button } from './button.tsx'
import { formatTokens } from './format.ts'
import styles from './remedies.module.css'

type RemediesProps = {
  readonly remedies: readonly Remedy[]
  /** Loads the model that had no room in a form that fits; without it, such remedies are only told. */
  readonly onShorten?: (options: LoadOptions) => void
}

/** What would make room, one press each. What a press changed is seen in the pool; nothing is loaded by it. */
export function Remedies({ remedies, onShorten }: RemediesProps) {
  if (remedies.length === 0) return null
  return (
    <ul className={styles['remedies']}>
      {remedies.map((remedy) => (
        <li key={`${remedy.kind} ${remedy.modelId ?? ''}`}>
          <RemedyLine remedy={remedy} onShorten={onShorten} />
        </li>
      ))}
    </ul>
  )
}

function RemedyLine({
  remedy,
  onShorten,
}: {
  readonly remedy: Remedy
  readonly onShorten: RemediesProps['onShorten']
}) {
  const { kind, name, modelId, contextTokens } = remedy
  const frees = `frees ${formatBytes(remedy.freesBytes)}`
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
      return contextTokens === undefined || onShorten === undefined ? (
        <>{`A shorter context of ${name}: ${frees}`}</>
      ) : (
        <Button onClick={() => onShorten({ contextTokens })}>
          {`Load with a context of ${formatTokens(contextTokens)} tokens: needs ${formatBytes(remedy.freesBytes)} less`}
        </Button>
      )
    default:
      return kind satisfies never
  }
}
