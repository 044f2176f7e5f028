import type { ReactNode } from 'react'
import { formatBytes } from '../../contract/bytes.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import { loadOptionsSchema, type LibraryModel, type LoadOptions } from '../../contract/model.ts'
import { proposeLoad } from '../proposal.ts'
import { useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import { NumberField } from '../ui/number-field.tsx'
import { OptionRow } from '../ui/option-row.tsx'
import { RangeField } from '../ui/range-field.tsx'
import { SelectField } from '../ui/select-field.tsx'
import { SizeField } from '../ui/size-field.tsx'
import { TextField } from '../ui/text-field.tsx'
import { contextSteps } from './context-steps.ts'
import { DraftField } from './draft-field.tsx'
import styles from './load-option-fields.module.css'
import { withOption, type OptionChanges } from './load-options.ts'

type LoadOptionFieldsProps = {
  readonly model: LibraryModel
  /** Where sliders stand that are being moved. */
  readonly slid: LoadOptions
  /** What would hold with these settings, for what is left to its default. */
  readonly preview: LoadPreview | null
  readonly onSave: (options: LoadOptions) => void
  /** Below them. */
  readonly children?: ReactNode
}

/** Every load option of a model as a field with its default and effect; the words are the contract's. */
export function LoadOptionFields({ model, slid, preview, onSave, children }: LoadOptionFieldsProps) {
  const hasGpu = useApp(({ pool }) => (pool?.device ?? 'CPU') !== 'CPU')
  const { loadOptions } = model
  const set = (changes: OptionChanges) => onSave(withOption(loadOptions, changes))
  const slide = (options: LoadOptions) => proposeLoad({ modelId: model.id, options })
  const facts = model.file.kind === 'usable' ? model.file.facts : null
  const hasWindows = facts?.kvLayerGroups.some(({ windowTokens }) => windowTokens !== null) ?? false
  const contextTokens = slid.contextTokens ?? loadOptions.contextTokens ?? preview?.contextTokens ?? 0
  const startTokens = Math.min(
    contextTokens,
    slid.startContextTokens ?? loadOptions.startContextTokens ?? preview?.startContextTokens ?? 0,
  )
  const layers = (facts?.layers ?? 0) + 1
  const gpuLayers = slid.gpuLayers ?? loadOptions.gpuLayers ?? preview?.loadedWith.gpuLayers ?? layers
  const row = (option: keyof LoadOptions, field: (noteId: string) => ReactNode) => (
    <OptionRow
      effect={loadOptionsSchema.shape[option].description ?? ''}
      isSet={loadOptions[option] !== undefined}
      onReset={() => set({ [option]: null })}
    >
      {field}
    </OptionRow>
  )
  return (
    <div className={styles['fields']}>
      {row('contextTokens', (noteId) => (
        <RangeField
          label="Context"
          steps={contextSteps(facts?.trainContextTokens ?? 0, contextTokens || undefined)}
          value={contextTokens}
          text={(tokens) => `${formatCount(tokens)} tokens`}
          describedBy={noteId}
          onSlide={(tokens) => slide({ contextTokens: tokens })}
          onCommit={(tokens) => {
            if (slid.contextTokens !== undefined) set({ contextTokens: tokens })
          }}
        />
      ))}
      {row('startContextTokens', (noteId) => (
        <RangeField
          label="Begins with"
          steps={contextSteps(contextTokens, startTokens || undefined)}
          value={startTokens}
          text={(tokens) => `${formatCount(tokens)} tokens`}
          describedBy={noteId}
          onSlide={(tokens) => slide({ startContextTokens: tokens })}
          onCommit={(tokens) => {
            if (slid.startContextTokens !== undefined) set({ startContextTokens: tokens })
          }}
        />
      ))}
      {row('kvType', (noteId) => (
        <SelectField
          label="KV cache"
          value={loadOptions.kvType ?? 'f16'}
          options={[
            { value: 'f16', name: 'f16' },
            { value: 'q8_0', name: 'q8_0' },
          ]}
          describedBy={noteId}
          onChoose={(kvType) => set({ kvType: kvType === 'f16' ? null : kvType })}
        />
      ))}
      {row('kvBudgetBytes', (noteId) => (
        <SizeField
          label="KV budget"
          bytes={loadOptions.kvBudgetBytes ?? null}
          placeholder="two contexts"
          minBytes={0}
          describedBy={noteId}
          onCommit={(bytes) => set({ kvBudgetBytes: bytes })}
        />
      ))}
      {hasGpu &&
        row('gpuLayers', (noteId) => (
          <RangeField
            label="Layers on the GPU"
            steps={Array.from({ length: layers + 1 }, (_, index) => index)}
            value={gpuLayers}
            text={(count) => `${formatCount(count)} of ${formatCount(layers)} layers`}
            describedBy={noteId}
            onSlide={(count) => slide({ gpuLayers: count })}
            onCommit={(count) => {
              if (slid.gpuLayers !== undefined) set({ gpuLayers: count })
            }}
          />
        ))}
      {row('threads', (noteId) => (
        <NumberField
          label="Threads"
          unit="threads"
          value={loadOptions.threads ?? null}
          placeholder={preview ? formatCount(preview.loadedWith.threads) : ''}
          min={1}
          max={1024}
          describedBy={noteId}
          onCommit={(threads) => set({ threads })}
        />
      ))}
      {row('batchTokens', (noteId) => (
        <NumberField
          label="Batch"
          unit="tokens"
          value={loadOptions.batchTokens ?? null}
          placeholder="512"
          min={32}
          max={8192}
          describedBy={noteId}
          onCommit={(batchTokens) => set({ batchTokens })}
        />
      ))}
      {row('flashAttention', (noteId) => (
        <SelectField
          label="Flash attention"
          value={loadOptions.flashAttention ?? 'auto'}
          options={[
            {
              value: 'auto',
              name: preview ? `Auto: ${preview.loadedWith.flashAttention ? 'on' : 'off'}` : 'Auto',
            },
            { value: 'on', name: 'On' },
            { value: 'off', name: 'Off' },
          ]}
          describedBy={noteId}
          onChoose={(way) => set({ flashAttention: way === 'auto' ? null : way })}
        />
      ))}
      {row('fileAccess', (noteId) => (
        <SelectField
          label="File access"
          value={loadOptions.fileAccess ?? 'auto'}
          options={[
            { value: 'auto', name: preview ? `Auto: ${preview.loadedWith.fileAccess}` : 'Auto' },
            { value: 'mmap', name: 'mmap' },
            { value: 'direct', name: 'direct' },
            { value: 'read', name: 'read' },
          ]}
          describedBy={noteId}
          onChoose={(way) => set({ fileAccess: way === 'auto' ? null : way })}
        />
      ))}
      {row('thinking', (noteId) => (
        <SelectField
          label="Thinking"
          value={loadOptions.thinking ?? 'default'}
          options={[
            { value: 'default', name: 'As its template has it' },
            { value: 'on', name: 'On' },
            { value: 'off', name: 'Off' },
          ]}
          describedBy={noteId}
          onChoose={(way) => set({ thinking: way === 'default' ? null : way })}
        />
      ))}
      {row('thinkingBudgetTokens', (noteId) => (
        <NumberField
          label="Thinking budget"
          unit="tokens"
          value={loadOptions.thinkingBudgetTokens ?? null}
          placeholder="No limit"
          min={0}
          max={16_777_216}
          describedBy={noteId}
          onCommit={(thinkingBudgetTokens) => set({ thinkingBudgetTokens })}
        />
      ))}
      {row('draft', (noteId) => (
        <DraftField
          model={model}
          measured={preview?.drafts}
          describedBy={noteId}
          onChoose={(draft) => set({ draft })}
        />
      ))}
      {row('bandwidthThrottle', (noteId) => (
        <SelectField
          label="Takes turns with other models"
          value={loadOptions.bandwidthThrottle === false ? 'off' : 'on'}
          options={[
            { value: 'on', name: 'On' },
            { value: 'off', name: 'Off' },
          ]}
          describedBy={noteId}
          onChoose={(way) => set({ bandwidthThrottle: way === 'off' ? false : null })}
        />
      ))}
      {hasWindows &&
        row('fullWindowCache', (noteId) => (
          <SelectField
            label="Full sliding-window cache"
            value={loadOptions.fullWindowCache === true ? 'on' : 'off'}
            options={[
              { value: 'off', name: 'Off' },
              { value: 'on', name: 'On' },
            ]}
            describedBy={noteId}
            onChoose={(way) => set({ fullWindowCache: way === 'on' ? true : null })}
          />
        ))}
      {row('chatTemplate', (noteId) => (
        <TextField
          label="Chat template"
          value={loadOptions.chatTemplate ?? null}
          placeholder={
            facts?.hasChatTemplate === true ? 'The file’s own' : 'A general one: the file has none'
          }
          maxLength={200_000}
          describedBy={noteId}
          onCommit={(chatTemplate) => set({ chatTemplate })}
        />
      ))}
      <div className={styles['all']}>
        <Button
          look="quiet"
          icon="retry"
          disabled={Object.keys(loadOptions).length === 0}
          onClick={() => onSave({})}
        >
          Reset all to their defaults
        </Button>
        {facts && (
          <p className={styles['note']}>
            {`${formatBytes(facts.kvBytesPerToken)} of f16 KV cache a token; trained with ${formatCount(facts.trainContextTokens)} tokens.`}
          </p>
        )}
      </div>
      {children}
    </div>
  )
}
