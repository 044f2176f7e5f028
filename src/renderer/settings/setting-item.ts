import type { ReactNode } from 'react'
import type { PoolSnapshot } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { settingsSchema, type Settings, type SettingsChanges } from '../../contract/settings.ts'

/** The parts of the settings, in their order. */
export const settingSections = [
  'Appearance',
  'Memory pool',
  'Conversations',
  'Auto',
  'Loading',
  'Library',
] as const
export type SettingSection = (typeof settingSections)[number]

/** What a setting shows and changes. */
export type SettingContext = {
  readonly settings: Settings
  readonly pool: PoolSnapshot | null
  readonly models: readonly LibraryModel[]
  /** Whether the host can open the system's dialog for folders. */
  readonly canChoose: boolean
  readonly save: (changes: SettingsChanges) => void
  readonly act: (work: () => Promise<unknown>) => void
}

/** One setting of the whole app: what it is called, what it does, what it is by itself, and its field. */
export type SettingItem = {
  readonly id: keyof Settings
  readonly title: string
  readonly section: SettingSection
  /** What its values are counted in; null where they are not counted. */
  readonly unit: string | null
  /** What it is unless it was changed, in words: "85 %". */
  readonly byDefault: string
  readonly effect: string
  /** What the effect says more, as things are now. */
  readonly now?: (context: SettingContext) => string | null
  readonly field: (context: SettingContext, noteId: string) => ReactNode
}

/** Everything as it is before anything was changed. */
export const defaultSettings: Settings = settingsSchema.parse({})

/** Whether a setting is another than by itself. Pure. */
export function isChanged({ id }: Pick<SettingItem, 'id'>, settings: Settings): boolean {
  return JSON.stringify(settings[id]) !== JSON.stringify(defaultSettings[id])
}

/** The settings that have all words of the filter in their title, effect, unit, section or default. Pure. */
export function findSettings(items: readonly SettingItem[], filter: string): readonly SettingItem[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean)
  return items.filter(({ title, effect, unit, section, byDefault }) => {
    const text = [title, effect, unit, section, byDefault].join(' ').toLowerCase()
    return words.every((word) => text.includes(word))
  })
}
