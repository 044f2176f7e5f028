import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { writeGgufFile } from '../src/testing/gguf-file.ts'
import { greedy, llamaFile, tinyShape } from '../src/testing/shapes.ts'

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

/** Writes a model with little weight (44 MB) and much KV cache (64 KB a token), trained with 8,192 tokens. It can be loaded and has nothing to say. */
export function writeLongModel(file: string, name: string): string {
  const shape = { ...tinyShape, layers: 16, embedding: 256, feedForward: 512, heads: 8, kvHeads: 8 }
  writeGgufFile(
    file,
    llamaFile({ ...shape, headLength: 128, contextTokens: 8192 }, { name, weights: 'F16', extra: greedy }),
  )
  return file
}
