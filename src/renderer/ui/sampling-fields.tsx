import { useState } from 'react'
import { resolveSampling, samplingSchema, type Sampling } from '../../contract/sampling.ts'
import { NumberField } from './number-field.tsx'
import { OptionRow } from './option-row.tsx'
import { samplingText, sourceOf, writeStopTexts, type SamplingLayer } from './sampling-layers.ts'
import { TextField } from './text-field.tsx'

type SamplingFieldsProps = {
  readonly sampling: Sampling
  /** What decides a value that is not set here, in order. llama.cpp's defaults come last. */
  readonly below: readonly SamplingLayer[]
  readonly onSave: (sampling: Sampling) => void
}

const numbers = [
  { name: 'temperature', label: 'Temperature', unit: '', min: 0, max: 5, fractions: true },
  { name: 'topK', label: 'Top-k', unit: 'tokens', min: 0, max: 100_000, fractions: false },
  { name: 'topP', label: 'Top-p', unit: '', min: 0, max: 1, fractions: true },
  { name: 'minP', label: 'Min-p', unit: '', min: 0, max: 1, fractions: true },
  { name: 'repeatPenalty', label: 'Repeat penalty', unit: '', min: 0.1, max: 5, fractions: true },
  { name: 'repeatWindowTokens', label: 'Repeat window', unit: 'tokens', min: 1, max: 4096, fractions: false },
  { name: 'seed', label: 'Seed', unit: '', min: 0, max: 4_294_967_295, fractions: false },
  { name: 'maxTokens', label: 'Longest answer', unit: 'tokens', min: 1, max: 16_777_216, fractions: false },
] as const

/** Every value of a sampling as a field with its range, its effect and where it comes from while it is empty. */
export function SamplingFields({ sampling, below, onSave }: SamplingFieldsProps) {
  const inherited = resolveSampling(...below.map((layer) => layer.sampling))
  const set = (name: keyof Sampling, value: Sampling[keyof Sampling] | null) => {
    const others = Object.fromEntries(Object.entries(sampling).filter(([key]) => key !== name))
    onSave(value === null || value === undefined ? others : { ...others, [name]: value })
  }
  const row = (name: keyof Sampling, range: string) => ({
    effect: samplingSchema.shape[name].description ?? '',
    source: `${sourceOf(name, { own: sampling, below })} · takes ${range}`,
    isSet: sampling[name] !== undefined,
    onReset: () => set(name, null),
  })
  return (
    <>
      {numbers.map(({ name, ...field }) => (
        <OptionRow key={name} {...row(name, `${formatNumber(field.min)} to ${formatNumber(field.max)}`)}>
          {(noteId) => (
            <NumberField
              {...field}
              value={sampling[name] ?? null}
              placeholder={samplingText(name, inherited)}
              describedBy={noteId}
              onCommit={(value) => set(name, value)}
            />
          )}
        </OptionRow>
      ))}
      <OptionRow {...row('stopTexts', 'up to 16 texts; "\\n" stands for a line break')}>
        {(noteId) => (
          <StopTexts
            value={sampling.stopTexts ?? null}
            placeholder={samplingText('stopTexts', inherited)}
            describedBy={noteId}
            onCommit={(texts) => set('stopTexts', texts)}
          />
        )}
      </OptionRow>
    </>
  )
}

function StopTexts({
  value,
  onCommit,
  ...field
}: {
  readonly value: readonly string[] | null
  readonly placeholder: string
  readonly describedBy: string
  readonly onCommit: (texts: string[] | null) => void
}) {
  const [error, setError] = useState<string | null>(null)
  return (
    <>
      <TextField
        {...field}
        label="Stop texts"
        value={value && writeStopTexts(value)}
        maxLength={4000}
        onCommit={(text) => {
          const texts = text === null ? null : readStopTexts(text)
          const isRight = texts === null || samplingSchema.shape.stopTexts.safeParse(texts).success
          setError(isRight ? null : 'Takes at most 16 texts of at most 200 characters')
          if (isRight) onCommit(texts)
        }}
      />
      {error !== null && <p role="alert">{error}</p>}
    </>
  )
}

function formatNumber(value: number): string {
  return value.toLocaleString('en')
}

/** One on each line; "\n" in one is a line break. */
function readStopTexts(text: string): string[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.map((line) => line.replaceAll('\\n', '\n'))
}
