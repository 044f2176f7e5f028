import { formatBytes } from '../../contract/bytes.ts'
import { draftsFor } from '../../contract/drafting.ts'
import type { LoadPreview } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { useApp } from '../store.ts'
import { SelectField } from '../ui/select-field.tsx'

type DraftFieldProps = {
  readonly model: LibraryModel
  /** What was measured so far. */
  readonly measured: LoadPreview['drafts']
  readonly describedBy: string
  /** Null: as it is by itself. */
  readonly onChoose: (draft: string | null) => void
}

/** What drafts for a model: by itself, nothing, looking up, or one of the library's models that fit. */
export function DraftField({ model, measured = [], describedBy, onChoose }: DraftFieldProps) {
  const models = useApp((state) => state.models)
  const chosen = model.loadOptions.draft ?? 'auto'
  const speedOf = (draft: string) => {
    const gain = measured.find((each) => each.draft === draft)?.gain
    return gain === undefined ? '' : `: measured ${gain.toFixed(2)} times as fast`
  }
  const drafts = draftsFor(model, models).map(({ id, name, fileBytes }) => ({
    value: `model:${id}`,
    name: `${name}, ${formatBytes(fileBytes)} more${speedOf(`model:${id}`)}`,
  }))
  // What was chosen before and does not fit (any more) is shown as it is.
  const other =
    chosen.startsWith('model:') && drafts.every(({ value }) => value !== chosen)
      ? [{ value: chosen, name: nameOf(chosen.slice('model:'.length), models) }]
      : []
  return (
    <SelectField
      label="Speculative decoding"
      value={chosen}
      options={[
        { value: 'auto', name: 'Automatic' },
        { value: 'off', name: 'Off' },
        { value: 'lookup', name: `Look up in the conversation${speedOf('lookup')}` },
        ...drafts,
        ...other,
      ]}
      describedBy={describedBy}
      onChoose={(draft) => onChoose(draft === 'auto' ? null : draft)}
    />
  )
}

function nameOf(id: string, models: readonly LibraryModel[]): string {
  return models.find((model) => model.id === id)?.name ?? `${id}, not in the library`
}
