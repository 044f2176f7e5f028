import { useShallow } from 'zustand/react/shallow'
import { formatBytes } from '../../contract/bytes.ts'
import type { Resident } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { residentBytes } from '../pool/blocks.ts'
import { dismissProposal, saveOptions } from '../proposal.ts'
import { host, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { formatTokens } from '../ui/format.ts'
import { ProblemText } from '../ui/problem-text.tsx'
import { Remedies } from '../ui/remedies.tsx'
import { useAct } from '../ui/use-act.ts'
import { LoadOptionFields } from './load-option-fields.tsx'
import styles from './load-settings.module.css'
import { ModelSampling } from './model-sampling.tsx'
import { PreviewFigures } from './preview-figures.tsx'
import { usePreview, type PreviewAnswer } from './use-preview.ts'

/** How a model is loaded, setting by setting, beside what that takes. Changes are remembered at once and hold from the next load on. */
export function LoadSettings({ model }: { readonly model: LibraryModel }) {
  const { resident, slid } = useApp(
    useShallow(({ pool, proposal }) => ({
      resident: pool?.residents.find(({ modelId }) => modelId === model.id) ?? null,
      slid: proposal?.options,
    })),
  )
  const answer = usePreview(model.id, { ...(slid && { options: slid }), isReload: true })
  const { problem, act } = useAct()
  return (
    <Dialog
      title={`Load settings: ${model.name}`}
      place="beside"
      onClose={() => dismissProposal({ modelId: model.id, from: 'settings' })}
    >
      <div className={styles['settings']}>
        <LoadOptionFields
          model={model}
          slid={slid ?? {}}
          preview={answer?.kind === 'preview' ? answer.preview : null}
          onSave={(loadOptions) => void act(() => saveOptions(model.id, loadOptions))}
        >
          <ModelSampling
            model={model}
            onSave={(sampling) => void act(() => host().models.update({ id: model.id, sampling }))}
          />
        </LoadOptionFields>
        <section className={styles['summary']} aria-label="What it takes">
          <Summary
            model={model}
            resident={resident?.state === 'failed' ? null : resident}
            answer={answer}
            act={(work) => void act(work)}
          />
          {/* A load that failed says so in the pool, beside this. */}
          {problem && resident?.state !== 'failed' && (
            <div role="alert">
              <ProblemText problem={problem}>
                <Remedies remedies={problem.details.remedies ?? []} modelId={model.id} />
                {problem.code === 'MODEL_BUSY' && (
                  <Button look="danger" onClick={() => void act(() => reload(model.id, { force: true }))}>
                    Stop it and reload
                  </Button>
                )}
              </ProblemText>
            </div>
          )}
        </section>
      </div>
    </Dialog>
  )
}

/** What a load with these settings takes beside what is there, and the press that does it. */
function Summary({
  model,
  resident,
  answer,
  act,
}: {
  readonly model: LibraryModel
  readonly resident: Resident | null
  readonly answer: PreviewAnswer
  readonly act: (work: () => Promise<unknown>) => void
}) {
  const verdict = answer?.kind === 'preview' ? answer.preview.verdict.kind : null
  const canLoad = verdict !== null && verdict !== 'refused' && resident?.state !== 'unloading'
  return (
    <>
      {resident && (
        <p className={styles['now']}>
          {`In memory now: ${formatBytes(residentBytes(resident))}`}
          {resident.loadedWith && `, begun with ${formatTokens(resident.loadedWith.contextTokens)} tokens`}
          {'. What is set here holds from its next load on:'}
        </p>
      )}
      {answer?.kind === 'problem' && <ProblemText problem={answer.problem} />}
      {answer?.kind === 'preview' && <PreviewFigures preview={answer.preview} />}
      <div className={styles['buttons']}>
        {/* One button that is never disabled: the focus stays on it while the model goes and comes. */}
        <Button
          look="primary"
          aria-disabled={!canLoad}
          onClick={() => {
            if (canLoad) act(() => (resident ? reload(model.id) : host().models.load({ id: model.id })))
          }}
        >
          {resident ? 'Reload with these' : 'Load'}
        </Button>
      </div>
    </>
  )
}

/** Takes a model out of memory and loads it as its settings say now. */
async function reload(modelId: string, options: { readonly force?: boolean } = {}): Promise<void> {
  await host().models.unload({ id: modelId, ...options })
  await host().models.load({ id: modelId })
}
