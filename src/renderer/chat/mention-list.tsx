import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import styles from './mention-list.module.css'
import { describeState } from './next-model.ts'
import type { useMention } from './use-mention.ts'

/** The models, and Auto, that may be meant by what follows an @, above the message box. */
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
      {found.map((named) => {
        const state = residency[named.id]
        return (
          // The keyboard is the message box's: the options are its list.
          // eslint-disable-next-line jsx-a11y/click-events-have-key-events
          <div
            key={named.id}
            id={`${id}${named.id}`}
            role="option"
            tabIndex={-1}
            aria-selected={named.id === active?.id}
            className={styles['option']}
            onPointerMove={() => onActive(named.id)}
            // The focus stays in the message box.
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => onAccept(named)}
          >
            {named.model ? (
              <ModelSwatch colour={named.model.colour} hollow={state !== 'ready' && state !== 'busy'} />
            ) : (
              <span className={styles['auto']}>
                <Icon name="route" size={14} />
              </span>
            )}
            <span className={styles['name']}>{named.name}</span>
            <span className={styles['state']}>
              {named.model ? describeState(state) : 'A router finds who answers'}
            </span>
          </div>
        )
      })}
    </div>
  )
}
