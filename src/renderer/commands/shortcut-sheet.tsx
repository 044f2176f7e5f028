import { showOverlay } from '../store.ts'
import { Dialog } from '../ui/dialog.tsx'
import { chordText, type Chord } from '../ui/shortcut.ts'
import { appCommands } from './app-commands.ts'
import { sections, type Section } from './command.ts'
import { localKeys } from './local-keys.ts'
import styles from './shortcut-sheet.module.css'

/** All keys there are, by the part of the app that they belong to. */
export function ShortcutSheet() {
  return (
    <Dialog title="Keyboard shortcuts" size="large" onClose={() => showOverlay(null)}>
      <div className={styles['sheet']}>
        {sections.map((section) => (
          <SheetSection key={section} section={section} />
        ))}
      </div>
    </Dialog>
  )
}

function SheetSection({ section }: { readonly section: Section }) {
  const ofCommands = appCommands.map(({ title, section: of, keys = [] }) => ({
    title,
    section: of,
    keys,
    isRange: false,
  }))
  const rows = [...ofCommands, ...localKeys].filter((row) => row.section === section && row.keys.length > 0)
  if (rows.length === 0) return null
  return (
    <section aria-label={section} className={styles['section']}>
      <h3>{section}</h3>
      {section === 'Turn' && (
        <p className={styles['note']}>Of the turn that has the focus, else of the last one</p>
      )}
      <dl className={styles['rows']}>
        {rows.map(({ title, keys, isRange = false }) => (
          <div key={title} className={styles['row']}>
            <dt>{title}</dt>
            <dd>
              <Keys keys={keys} between={isRange ? '…' : 'or'} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Keys({ keys, between }: { readonly keys: readonly Chord[]; readonly between: string }) {
  return keys.map((chord, index) => (
    <span key={chord}>
      {index > 0 && ` ${between} `}
      <kbd>{chordText(chord)}</kbd>
    </span>
  ))
}
