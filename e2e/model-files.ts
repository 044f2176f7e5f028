import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

/** The demo models as they come with the app. */
export const demoFolder = path.join(import.meta.dirname, '..', 'resources', 'demo-models')

/** The names of the demo models on the screen. */
export const demoNames = ['Guide', 'Coder', 'Judge'] as const

/** Writes a model that works and that the library does not know: Guide under another name, as long as its own. */
export async function writeModel(file: string, name: 'Desk Guide' | 'Moon Guide'): Promise<string> {
  const content = await readFile(path.join(demoFolder, 'demo-guide-2.2m-f16.gguf'))
  const at = content.indexOf('Demo Guide')
  if (at < 0) throw new Error('Guide no longer says its name')
  content.write(name, at)
  await writeFile(file, content)
  return file
}
