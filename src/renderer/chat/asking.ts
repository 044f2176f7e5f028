import {
  askingOf,
  plainAsking,
  withAsking,
  type Asking,
  type AskingChanges,
  type Preset,
} from '../../contract/asking.ts'
import type { Settings } from '../../contract/settings.ts'
import { host, saveSettings, useApp, type AppState } from '../store.ts'

/** How models are asked in the conversation on the screen; in a new one as the default preset says, until something else is set. */
export function shownAsking({ conversationId, conversation, newAsking, settings }: AppState): Asking {
  if (conversationId !== null) return conversation?.id === conversationId ? conversation : plainAsking
  return newAsking ?? defaultPreset(settings) ?? plainAsking
}

/** The preset that new conversations begin with. */
export function defaultPreset(settings: Settings | null): Preset | undefined {
  return settings?.presets.find(({ id }) => id === settings.defaultPresetId)
}

/** Changes how models are asked in the conversation on the screen, from the next answer on. Rejects with the host's problem. */
export async function changeAsking(changes: AskingChanges): Promise<void> {
  const state = useApp.getState()
  if (state.conversationId === null) {
    useApp.setState({ newAsking: withAsking(askingOf(shownAsking(state)), changes) })
    return
  }
  await host().conversations.setAsking({ id: state.conversationId, ...changes })
}

/** Whether anything is set, in words for the button: "instructions, temperature"; empty when nothing is. */
export function askingSummary({ instructions, sampling, jsonSchema, isVerified }: Asking): string {
  const parts = [
    ...(instructions === null ? [] : ['instructions']),
    ...(Object.keys(sampling).length === 0 ? [] : ['sampling']),
    ...(jsonSchema === null ? [] : ['JSON schema']),
    // Auto is seen beside it, among the models.
    ...(isVerified === null ? [] : ['check of answers']),
  ]
  return parts.join(', ')
}

/** Keeps a way of asking under a name; one of the same name is replaced. */
export async function savePreset(name: string, asking: Asking): Promise<void> {
  const presets = presetsNow()
  const known = presets.find((preset) => preset.name === name)
  const preset = { id: known?.id ?? crypto.randomUUID(), name, ...askingOf(asking) }
  await saveSettings({
    presets: known ? presets.map((each) => (each === known ? preset : each)) : [...presets, preset],
  })
}

export async function renamePreset(id: string, name: string): Promise<void> {
  await saveSettings({ presets: presetsNow().map((each) => (each.id === id ? { ...each, name } : each)) })
}

export async function deletePreset(id: string): Promise<void> {
  const { settings } = useApp.getState()
  await saveSettings({
    presets: presetsNow().filter((each) => each.id !== id),
    ...(settings?.defaultPresetId === id && { defaultPresetId: null }),
  })
}

function presetsNow(): Preset[] {
  return useApp.getState().settings?.presets ?? []
}
