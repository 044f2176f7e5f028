import { useId, useRef, useState } from 'react'
import { parseJsonSchema, schemaProblemText } from '../../contract/json-schema.ts'
import { Button } from '../ui/button.tsx'
import fieldStyles from '../ui/field.module.css'
import styles from './asking-dialog.module.css'

type SchemaFieldProps = {
  readonly value: string | null
  readonly onCommit: (schema: string | null) => void
}

/** A JSON schema, typed or from a file, that every answer has to follow. What cannot be followed is told, with its place, and not kept. */
export function SchemaField({ value, onCommit }: SchemaFieldProps) {
  const id = useId()
  const file = useRef<HTMLInputElement>(null)
  const shown = value ?? ''
  const [draft, setDraft] = useState<{ readonly of: string; readonly text: string } | null>(null)
  const text = draft?.of === shown ? draft.text : shown
  const parsed = text.trim() === '' ? null : parseJsonSchema(text)
  const error = parsed && 'problem' in parsed ? schemaProblemText(parsed.problem) : null
  const commit = (next: string) => {
    const isEmpty = next.trim() === ''
    if (next === shown || (!isEmpty && 'problem' in parseJsonSchema(next))) return
    setDraft(null)
    onCommit(isEmpty ? null : next)
  }
  const read = async (chosen: File) => {
    // A schema is small; what is not will be told to be none.
    const next = (await chosen.slice(0, 200_000).text()).slice(0, 100_000)
    setDraft({ of: shown, text: next })
    commit(next)
  }
  return (
    <section aria-label="JSON schema">
      <label htmlFor={id}>JSON schema for answers</label>
      <textarea
        id={id}
        className={fieldStyles['text']}
        rows={text === '' ? 2 : 8}
        spellCheck={false}
        value={text}
        placeholder='None, or for example {"type": "object", "properties": {"name": {"type": "string"}}}'
        maxLength={100_000}
        aria-invalid={error !== null}
        aria-describedby={`${id}note${error === null ? '' : ` ${id}error`}`}
        onChange={(event) => setDraft({ of: shown, text: event.target.value })}
        onBlur={() => commit(text)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || text === shown) return
          event.preventDefault()
          event.stopPropagation()
          setDraft(null)
        }}
      />
      {error !== null && (
        <p id={`${id}error`} className={styles['error']} role="alert">
          {error}
        </p>
      )}
      <p id={`${id}note`} className={styles['note']}>
        Answers are then JSON of this form and nothing else. Every property is always written; “anyOf”,
        “allOf” and “pattern” cannot be followed. A model whose template begins a thought thinks freely and
        follows the schema after it; others do not think.
      </p>
      <div className={styles['buttons']}>
        <input
          ref={file}
          type="file"
          hidden
          accept=".json,application/json,application/schema+json"
          onChange={(event) => {
            const [chosen] = event.target.files ?? []
            event.target.value = ''
            if (chosen) void read(chosen)
          }}
        />
        <Button icon="file" onClick={() => file.current?.click()}>
          Choose a file
        </Button>
        {text !== '' && (
          <Button
            look="quiet"
            onClick={() => {
              setDraft(null)
              if (value !== null) onCommit(null)
            }}
          >
            Remove the schema
          </Button>
        )}
      </div>
    </section>
  )
}
