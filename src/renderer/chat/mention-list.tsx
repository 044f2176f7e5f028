import { ModelSwatch } from '../ui/model-swatch.tsx'
import styles from './mention-list.module.css'
import { describeState } from './next-model.ts'
import type { useMention } from './use-mention.ts'

/** The models that may be meant by what follows an @, above the message box. */
export function MentionList({
  id,
  found,
  active,
  residency,
  onActive,
  onAccept,
}: ReturnType<typeof useMention>) {
  if (found.length === 0) return null
  return (
    <div id={`${id}list`} role="listbox" aria-label="Models to ask" className={styles['list']}>
      {found.map((model) => {
        const state = residency[model.id]
        return (
          // The keyboard is the message box's: the options are its list.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={model.id}
            id={`${id}${model.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={model === active}
            className={styles['option']}
            onPointerMove={() => onActive(model.id)}
            // The focus stays in the message box.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onAccept(model)}
          >
            <ModelSwatch colour={model.colour} hollow={state !== 'ready' && state !== 'busy'} />
            <span className={styles['name']}>{model.name}</span>
            <span className={styles['state']}>{describeState(state)}</span>
          </div>
        )
      })}
    </div>
  )
}
