import { saveSettings, useApp } from '../store.ts'

/** Adds a folder to those that are searched for models and watched; harmless when it is one of them. */
export async function watchFolder(path: string): Promise<void> {
  const folders = useApp.getState().settings?.modelFolders ?? []
  if (!folders.includes(path)) await saveSettings({ modelFolders: [...folders, path] })
}

/** Stops watching a folder; its models leave the library, its files stay. */
export async function forgetFolder(path: string): Promise<void> {
  const folders = useApp.getState().settings?.modelFolders ?? []
  await saveSettings({ modelFolders: folders.filter((folder) => folder !== path) })
}
