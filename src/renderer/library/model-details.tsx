import { useId, useState, type ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { Resident } from '../../contract/memory.ts'
import type { LibraryModel, LoadOptions } from '../../contract/model.ts'
import { residentBytes, stateText } from '../pool/blocks.ts'
import { LoadHistory } from '../pool/load-history.tsx'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatCount, formatError } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { NumberField } from '../ui/number-field.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import { WarningList } from '../ui/warning-list.tsx'
import styles from './model-details.module.css'
import { ModelFactsList } from './model-facts.tsx'
import { previewText } from './preview-text.ts'
import { usePreview } from './use-preview.ts'

type ModelDetailsProps = {
  readonly model: LibraryModel
  readonly resident: Resident | null
  /** Context size in tokens when the model says nothing else. */
  readonly defaultContextTokens: number
  /** Whether a GPU computes, so that layers can be put on it. */
  readonly hasGpu: boolean
}

/** One model of the library: what it is, what loading it would take, and everything that can be done with it. */
export function ModelDetails({ model, resident, defaultContextTokens, hasGpu }: ModelDetailsProps) {
  const [problem, setProblem] = useState<Problem | null>(null)
  const act = async (work: () => Promise<unknown>) => {
    setProblem(null)
    try {
      await work()
    } catch (error) {
      setProblem(toProblem(error))
    }
  }
  const id = { id: model.id }
  return (
    <section className={styles['details']} aria-label={model.name}>
      <NameRow
        key={model.name}
        model={model}
        onRename={(name) => act(() => host().models.update({ ...id, name }))}
      />
      <FileState model={model} />
      {model.file.kind === 'usable' && (
        <>
          <Loading model={model} resident={resident} act={act} />
          <LoadOptionsForm
            model={model}
            isResident={resident !== null}
            defaultContextTokens={Math.min(defaultContextTokens, model.file.facts.trainContextTokens)}
            hasGpu={hasGpu}
            onChange={(loadOptions) => act(() => host().models.update({ ...id, loadOptions }))}
          />
        </>
      )}
      {problem && (
        <div role="alert">
          <ProblemText problem={problem}>
            <Remedies
              remedies={problem.details.remedies ?? []}
              onShorten={(options) => void act(() => host().models.load({ ...id, options }))}
            />
            {problem.code === 'MODEL_BUSY' && (
              <Button
                look="danger"
                onClick={() => void act(() => host().models.unload({ ...id, force: true }))}
              >
                Unload anyway
              </Button>
            )}
          </ProblemText>
        </div>
      )}
      <LoadHistory modelId={model.id} measured={resident?.measured ?? noFootprint} />
      <ModelFactsList model={model} />
      <RemoveRow onRemove={() => act(() => host().models.remove(id))} />
    </section>
  )
}

const noFootprint: Resident['measured'] = []

type Act = (work: () => Promise<unknown>) => Promise<void>

function NameRow({
  model,
  onRename,
}: {
  readonly model: LibraryModel
  readonly onRename: (name: string) => Promise<void>
}) {
  const [name, setName] = useState<string | null>(null)
  if (name === null) {
    return (
      <header className={styles['title']}>
        <ModelSwatch colour={model.colour} />
        <h3>{model.name}</h3>
        <Button
          look="quiet"
          icon="pencil"
          aria-label={`Rename ${model.name}`}
          onClick={() => setName(model.name)}
        />
      </header>
    )
  }
  return (
    <form
      className={styles['title']}
      onSubmit={(event) => {
        event.preventDefault()
        const text = name.trim()
        setName(null)
        if (text !== '' && text !== model.name) void onRename(text)
      }}
    >
      <input
        aria-label="Name of the model"
        className={styles['nameField']}
        value={name}
        maxLength={200}
        // The user has just asked to type here.
        // eslint-disable-next-line jsx-a11y/no-autofocus
        autoFocus
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return
          // Takes the change back; the dialog stays open.
          event.preventDefault()
          event.stopPropagation()
          setName(null)
        }}
      />
      <button type="submit" className={styles['submit']}>
        Rename
      </button>
    </form>
  )
}

function FileState({ model }: { readonly model: LibraryModel }) {
  switch (model.file.kind) {
    case 'usable':
      return null
    case 'inspecting':
      return <p className={styles['price']}>Its header is being read.</p>
    case 'unusable':
      return <ProblemText problem={model.file.problem} />
    case 'missing':
      return (
        <p className={styles['price']}>
          Its file is not there any more. When it comes back, for example with the disk that it was on, the
          model can be used again.
        </p>
      )
    default:
      return model.file satisfies never
  }
}

function Loading({
  model,
  resident,
  act,
}: {
  readonly model: LibraryModel
  readonly resident: Resident | null
  readonly act: Act
}) {
  const id = { id: model.id }
  const pin = (
    <Button
      icon="pin"
      onClick={() => void act(() => (model.pinned ? host().models.unpin(id) : host().models.pin(id)))}
    >
      {model.pinned ? 'Unpin' : 'Pin'}
    </Button>
  )
  if (resident === null || resident.state === 'failed') {
    return (
      <>
        {resident?.problem && <ProblemText problem={resident.problem} />}
        <Price model={model} act={act}>
          {pin}
        </Price>
      </>
    )
  }
  const weights = residentBytes(resident, { part: 'weights' })
  const isOnItsWay = resident.state === 'loading' || resident.state === 'queued'
  return (
    <>
      <p className={styles['price']}>{isOnItsWay ? stateText(resident) : memoryText(resident)}</p>
      <WarningList warnings={resident.warnings} />
      {resident.state === 'loading' && (
        <progress
          className={styles['progress']}
          aria-label={`Loading ${model.name}`}
          max={weights}
          value={resident.loadedBytes ?? 0}
        />
      )}
      <div className={styles['buttons']}>
        <Button
          icon="eject"
          disabled={resident.state === 'unloading'}
          onClick={() => void act(() => host().models.unload(id))}
        >
          {isOnItsWay ? 'Cancel loading' : 'Unload'}
        </Button>
        {pin}
      </div>
    </>
  )
}

/** What it takes, and how well that was predicted. */
function memoryText(resident: Resident): string {
  const { predicted, predictionError: error } = resident
  const predictedBytes = predicted.reduce((sum, { bytes }) => sum + bytes, 0)
  const told =
    error === null ? '' : `. Predicted for its load: ${formatBytes(predictedBytes)} (${formatError(error)})`
  return `In memory: ${formatBytes(residentBytes(resident))}${told}`
}

/** What a load would take, and the press that does it. */
function Price({
  model,
  act,
  children,
}: {
  readonly model: LibraryModel
  readonly act: Act
  readonly children: ReactNode
}) {
  const answer = usePreview(model.id, model.loadOptions.contextTokens)
  const load = (options?: LoadOptions) =>
    void act(() => host().models.load({ id: model.id, ...(options && { options }) }))
  const verdict = answer?.kind === 'preview' ? answer.preview.verdict : null
  return (
    <>
      {answer?.kind === 'problem' && <ProblemText problem={answer.problem} />}
      {answer?.kind === 'preview' && verdict?.kind !== 'refused' && (
        <p className={styles['price']}>{`${previewText(answer.preview)}.`}</p>
      )}
      {verdict?.kind === 'waits' && <Remedies remedies={verdict.remedies} onShorten={load} />}
      {verdict?.kind === 'refused' && (
        <ProblemText problem={verdict.problem} hasRemedies={verdict.remedies.length > 0}>
          <Remedies remedies={verdict.remedies} onShorten={load} />
        </ProblemText>
      )}
      <div className={styles['buttons']}>
        <Button
          look="primary"
          disabled={verdict === null || verdict.kind === 'refused'}
          onClick={() => load()}
        >
          Load
        </Button>
        {children}
      </div>
    </>
  )
}

function LoadOptionsForm({
  model,
  isResident,
  defaultContextTokens,
  hasGpu,
  onChange,
}: {
  readonly model: LibraryModel
  readonly isResident: boolean
  readonly defaultContextTokens: number
  readonly hasGpu: boolean
  readonly onChange: (options: LoadOptions) => Promise<void>
}) {
  const { contextTokens, gpuLayers } = model.loadOptions
  const noteId = useId()
  const facts = model.file.kind === 'usable' ? model.file.facts : null
  const trainTokens = facts?.trainContextTokens ?? 0
  const isLong = contextTokens !== undefined && trainTokens > 0 && contextTokens > trainTokens
  const set = (changes: { [Key in keyof LoadOptions]: LoadOptions[Key] | null }) => {
    const next = Object.entries({ ...model.loadOptions, ...changes }).filter(([, value]) => value !== null)
    void onChange(Object.fromEntries(next))
  }
  return (
    <div className={styles['options']}>
      <NumberField
        label="Context size"
        unit="tokens"
        value={contextTokens ?? null}
        placeholder={formatCount(defaultContextTokens)}
        min={64}
        max={16_777_216}
        describedBy={noteId}
        onCommit={(value) => set({ contextTokens: value })}
      />
      {hasGpu && (
        <NumberField
          label="Layers on the GPU"
          unit={facts ? `of ${formatCount(facts.layers)}` : ''}
          value={gpuLayers ?? null}
          placeholder="all that fit"
          min={0}
          max={100_000}
          onCommit={(value) => set({ gpuLayers: value })}
        />
      )}
      <p id={noteId} className={styles['note']}>
        {facts && `Of one conversation. ${formatBytes(facts.kvBytesPerToken)} of KV cache a token. `}
        {isLong && `The model was trained with ${formatCount(trainTokens)} tokens and knows nothing beyond. `}
        {isResident && 'Holds from the next load on.'}
      </p>
    </div>
  )
}

function RemoveRow({ onRemove }: { readonly onRemove: () => Promise<void> }) {
  const [isAsking, setIsAsking] = useState(false)
  return (
    <div className={styles['remove']}>
      {isAsking ? (
        <>
          <p>Take it out of the library? Its file stays where it is.</p>
          <Button
            look="danger"
            onClick={() => {
              setIsAsking(false)
              void onRemove()
            }}
          >
            Remove
          </Button>
          <Button onClick={() => setIsAsking(false)}>Keep</Button>
        </>
      ) : (
        <Button look="quiet" icon="trash" onClick={() => setIsAsking(true)}>
          Remove from the library
        </Button>
      )}
    </div>
  )
}
