import { useShallow } from 'zustand/react/shallow'
import type { LibraryModel } from '../../contract/model.ts'
import { sendTurn } from '../send-turn.ts'
import { showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { chordText } from '../ui/shortcut.ts'
import { focusComposer } from './composer.tsx'
import { demoQuestions } from './demo-models.ts'
import { whyUnusable } from './next-model.ts'
import styles from './welcome.module.css'

/** The page of a conversation that has no turns yet: how to begin, and without a model, how to get one. */
export function Welcome() {
  const { models, isKnown, isConnected } = useApp(
    useShallow((state) => ({
      models: state.models,
      isKnown: state.pool !== null,
      isConnected: state.connection === 'open',
    })),
  )
  if (!isKnown) return null
  const isUsable = models.some((model) => whyUnusable(model, {}) === null)
  // What the first of them can do is known in a moment.
  if (!isUsable && models.some(({ file }) => file.kind === 'inspecting')) return null
  if (!isUsable) return <NoModels count={models.length} />
  const suggestions = demoQuestions(models)
  return (
    <div className={styles['welcome']}>
      <p className={styles['lead']}>Every model at the table sees the whole conversation.</p>
      <p className={styles['hint']}>
        Choose who answers beside the message box, for each turn anew, or let Auto find out. What a model has
        read it does not read again.
      </p>
      {suggestions.length > 0 && (
        <ul className={styles['suggestions']} aria-label="Try the demo models">
          {suggestions.map(({ text, model }) => (
            <li key={text}>
              <Suggestion text={text} model={model} isDisabled={!isConnected} />
            </li>
          ))}
        </ul>
      )}
      <p className={styles['keys']}>
        <kbd>{chordText('Mod+K')}</kbd> finds every command, <kbd>{chordText('Mod+/')}</kbd> lists the keys
      </p>
    </div>
  )
}

type SuggestionProps = { readonly text: string; readonly model: LibraryModel; readonly isDisabled: boolean }

function Suggestion({ text, model, isDisabled }: SuggestionProps) {
  return (
    <button
      type="button"
      className={styles['suggestion']}
      disabled={isDisabled}
      onClick={() => {
        focusComposer()
        void sendTurn(text, model.id)
      }}
    >
      <ModelSwatch colour={model.colour} />
      <span>{text}</span>
      <small>{model.name}</small>
    </button>
  )
}

function NoModels({ count }: { readonly count: number }) {
  return (
    <div className={styles['welcome']}>
      <p className={styles['lead']}>
        {count === 0 ? 'There is no model here yet' : 'None of the models here can be used'}
      </p>
      <p className={styles['hint']}>
        Drop a GGUF file onto the memory pool: you see what it will cost before it is loaded. Or open the
        library to choose files, or to name a folder that has some.
      </p>
      <Button icon="library" onClick={() => showDialog('library')}>
        Open the library
      </Button>
    </div>
  )
}
