import { useState, type ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { residentBytes, stateText } from '../pool/blocks.ts'
import { FootprintTable } from '../pool/footprint-table.tsx'
import { LoadHistory } from '../pool/load-history.tsx'
import { openSettings } from '../proposal.ts'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import { useAct } from '../ui/use-act.ts'
import { WarningList } from '../ui/warning-list.tsx'
import styles from './model-details.module.css'
import { ModelFactsList } from './model-facts.tsx'
import { ModelRoleSection } from './model-role.tsx'
import { previewText } from './preview-text.ts'
import { usePreview } from './use-preview.ts'

type ModelDetailsProps = {
  readonly model: LibraryModel
  readonly resident: Resident | null
}

/** One model of the library: what it is, what loading it would take, and everything that can be done with it. */
export function ModelDetails({ model, resident }: ModelDetailsProps) {
  const { problem, act } = useAct()
  const id = { id: model.id }
  return (
    <section className={styles['details']} aria-label={model.name}>
      <NameRow
        key={model.name}
        model={model}
        onRename={(name) => act(() => host().models.update({ ...id, name }))}
      />
      <FileState model={model} />
      {model.file.kind === 'usable' && <Loading model={model} resident={resident} act={act} />}
      {problem && (
        <div role="alert">
          <ProblemText problem={problem}>
            <Remedies remedies={problem.details.remedies ?? []} modelId={model.id} />
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
      <ModelRoleSection key={model.id} model={model} />
      {resident && resident.predicted.length > 0 && <FootprintTable resident={resident} />}
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
  const more = (
    <>
      <Button
        icon="pin"
        onClick={() => void act(() => (model.pinned ? host().models.unpin(id) : host().models.pin(id)))}
      >
        {model.pinned ? 'Unpin' : 'Pin'}
      </Button>
      <Button icon="settings" onClick={() => void openSettings({ modelId: model.id })}>
        Load settings
      </Button>
    </>
  )
  if (resident === null || resident.state === 'failed') {
    return (
      <>
        {resident?.problem && <ProblemText problem={resident.problem} />}
        <Price model={model} act={act}>
          {more}
        </Price>
      </>
    )
  }
  const weights = residentBytes(resident, { part: 'weights' })
  const isOnItsWay = resident.state === 'loading' || resident.state === 'queued'
  return (
    <>
      <p className={styles['price']}>
        {isOnItsWay ? stateText(resident) : `In memory: ${formatBytes(residentBytes(resident))}`}
      </p>
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
        {more}
      </div>
    </>
  )
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
  const answer = usePreview(model.id)
  const verdict = answer?.kind === 'preview' ? answer.preview.verdict : null
  return (
    <>
      {answer?.kind === 'problem' && <ProblemText problem={answer.problem} />}
      {answer?.kind === 'preview' && verdict?.kind !== 'refused' && (
        <p className={styles['price']}>{`${previewText(answer.preview)}.`}</p>
      )}
      {verdict?.kind === 'waits' && <Remedies remedies={verdict.remedies} modelId={model.id} />}
      {verdict?.kind === 'refused' && (
        <ProblemText problem={verdict.problem} hasRemedies={verdict.remedies.length > 0}>
          <Remedies remedies={verdict.remedies} modelId={model.id} />
        </ProblemText>
      )}
      <div className={styles['buttons']}>
        <Button
          look="primary"
          disabled={verdict === null || verdict.kind === 'refused'}
          onClick={() => void act(() => host().models.load({ id: model.id }))}
        >
          Load
        </Button>
        {children}
      </div>
    </>
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
