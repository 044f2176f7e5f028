import { useId, useRef, useState } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { Settings } from '../../contract/settings.ts'
import { saveSettings, showDialog, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { useAct } from '../ui/use-act.ts'
import { allSettings } from './all-settings.ts'
import {
  defaultSettings,
  findSettings,
  isChanged,
  settingSections,
  type SettingContext,
  type SettingItem,
} from './setting-item.ts'
import styles from './settings.module.css'

/** Everything that can be set for the whole app, each with its unit, its default and what it does. Changes hold at once. */
export function SettingsDialog() {
  const { settings, pool, models, canChoose } = useApp(
    useShallow((state) => ({
      settings: state.settings,
      pool: state.pool,
      models: state.models,
      canChoose: state.host?.canChooseFiles ?? false,
    })),
  )
  const { problem, act } = useAct()
  return (
    <Dialog title="Settings" size="large" onClose={() => showDialog(null)}>
      {problem && (
        <div role="alert" className={styles['problem']}>
          <ProblemText problem={problem} />
        </div>
      )}
      {settings ? (
        <SettingsList
          context={{
            ...{ settings, pool, models, canChoose },
            act: (work) => void act(work),
            save: (changes) => void act(() => saveSettings(changes)),
          }}
        />
      ) : (
        <p className={styles['none']}>The host is not connected.</p>
      )}
    </Dialog>
  )
}

function SettingsList({ context }: { readonly context: SettingContext }) {
  const asked = useApp((state) => state.settingsFilter)
  const [filter, setFilter] = useState(asked)
  const [isChangedOnly, setIsChangedOnly] = useState(false)
  const list = useRef<HTMLDivElement>(null)
  const { settings } = context
  const found = findSettings(allSettings, filter).filter(
    (item) => !isChangedOnly || isChanged(item, settings),
  )
  const sections = settingSections.filter((section) => found.some((item) => item.section === section))
  return (
    <div className={styles['settings']}>
      <div className={styles['bar']}>
        <input
          type="search"
          data-first
          className={styles['search']}
          placeholder="Search settings"
          aria-label="Search settings"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <label className={styles['check']}>
          <input
            type="checkbox"
            checked={isChangedOnly}
            onChange={(event) => setIsChangedOnly(event.target.checked)}
          />
          Changed only
        </label>
        <p className={styles['count']} role="status">
          {countText(found.length, allSettings.filter((item) => isChanged(item, settings)).length)}
        </p>
      </div>
      <nav className={styles['sections']} aria-label="Sections of the settings">
        {sections.map((section) => (
          <button
            key={section}
            type="button"
            className={styles['section']}
            onClick={() => showSection(list.current, section)}
          >
            {section}
          </button>
        ))}
      </nav>
      <div ref={list} className={styles['list']}>
        {sections.map((section) => (
          <section key={section} className={styles['group']} aria-label={section}>
            <h3 tabIndex={-1} data-section={section}>
              {section}
            </h3>
            {found
              .filter((item) => item.section === section)
              .map((item) => (
                <SettingRow key={item.id} item={item} context={context} />
              ))}
          </section>
        ))}
        {found.length === 0 && (
          <p className={styles['none']}>
            {isChangedOnly && filter.trim() === ''
              ? 'Every setting is as it is by default.'
              : 'No setting has all of these words in its name, effect or unit.'}
          </p>
        )}
      </div>
    </div>
  )
}

function countText(found: number, changed: number): string {
  const settings = found === 1 ? '1 setting' : `${String(found)} settings`
  return changed === 0 ? settings : `${settings} · ${String(changed)} changed`
}

/** Leads eyes and focus to the heading of a section. */
function showSection(list: HTMLElement | null, section: string): void {
  const heading = list?.querySelector<HTMLElement>(`[data-section="${section}"]`)
  heading?.scrollIntoView({ block: 'start' })
  heading?.focus({ preventScroll: true })
}

/** A field and, beside it, its effect and its default, with a way back to that once it was changed. */
function SettingRow({ item, context }: { readonly item: SettingItem; readonly context: SettingContext }) {
  const noteId = useId()
  const row = useRef<HTMLDivElement>(null)
  const { id, title, effect, byDefault, now, field } = item
  const changed = isChanged(item, context.settings)
  const more = now?.(context) ?? null
  const reset = () => {
    context.save({ [id]: defaultSettings[id] } satisfies Partial<Settings>)
    // The button goes; the focus stays with the setting.
    row.current?.querySelector<HTMLElement>('input, select, button')?.focus()
  }
  return (
    <div ref={row} className={styles['setting']} data-changed={changed || undefined}>
      {field(context, noteId)}
      <div className={styles['words']}>
        <p id={noteId} className={styles['effect']}>
          {effect} <span className={styles['default']}>{`Default: ${byDefault}.`}</span>
          {more !== null && ` ${more}`}
        </p>
        {changed && (
          <Button look="quiet" icon="retry" aria-label={`Reset to default: ${title}`} onClick={reset}>
            Reset to default
          </Button>
        )}
      </div>
    </div>
  )
}
