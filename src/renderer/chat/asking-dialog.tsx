import { useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import { askingOf, type AskingChanges } from '../../contract/asking.ts'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { useApp } from '../store.ts'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { SamplingFields } from '../ui/sampling-fields.tsx'
import { layersOf } from '../ui/sampling-layers.ts'
import { TextField } from '../ui/text-field.tsx'
import styles from './asking-dialog.module.css'
import { AskingAuto } from './asking-auto.tsx'
import { changeAsking, shownAsking } from './asking.ts'
import { Presets } from './presets.tsx'
import { SchemaField } from './schema-field.tsx'
import { useNextModel } from './use-next-model.ts'

/** How models are asked in the conversation on the screen: instructions, who answers and checks, sampling, a JSON schema, and presets of all that. */
export function AskingDialog({ onClose }: { readonly onClose: () => void }) {
  const { conversationId, presets, defaultPresetId, ...asking } = useApp(
    useShallow((state) => ({
      ...askingOf(shownAsking(state)),
      conversationId: state.conversationId,
      presets: state.settings?.presets ?? noPresets,
      defaultPresetId: state.settings?.defaultPresetId ?? null,
    })),
  )
  const { chosen } = useNextModel()
  const [problem, setProblem] = useState<Problem | null>(null)
  const act = (work: () => Promise<void>) => {
    setProblem(null)
    work().catch((error: unknown) => setProblem(toProblem(error)))
  }
  const change = (changes: AskingChanges) => act(() => changeAsking(changes))
  return (
    <Dialog title="Instructions and sampling" onClose={onClose}>
      <div className={styles['asking']}>
        <p className={styles['note']}>
          {conversationId === null
            ? 'For the conversation that you are about to begin.'
            : 'For this conversation, from its next answer on.'}
        </p>
        {problem && (
          <div role="alert">
            <ProblemText problem={problem} />
          </div>
        )}
        <section aria-label="Instructions">
          <TextField
            label="Instructions"
            value={asking.instructions}
            placeholder="None"
            rows={5}
            isProse
            maxLength={200_000}
            describedBy="instructions-note"
            onCommit={(instructions) => change({ instructions })}
          />
          <p id="instructions-note" className={styles['note']}>
            Models read this before the first message. After a change they read the whole conversation again;
            the line under the message box says how many tokens that are.
          </p>
        </section>
        <AskingAuto asking={asking} change={change} />
        <Presets
          presets={presets}
          defaultPresetId={defaultPresetId}
          asking={asking}
          act={act}
          onApply={(preset) => change(askingOf(preset))}
        />
        <section aria-label="Sampling">
          <h3>Sampling</h3>
          <SamplingFields
            sampling={asking.sampling}
            below={chosen ? layersOf(chosen) : []}
            onSave={(sampling) => change({ sampling })}
          />
        </section>
        <SchemaField value={asking.jsonSchema} onCommit={(jsonSchema) => change({ jsonSchema })} />
      </div>
    </Dialog>
  )
}

const noPresets: never[] = []
