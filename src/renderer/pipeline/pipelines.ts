import { AppError } from '../../contract/errors.ts'
import { maxPipelineCharacters } from '../../contract/pipeline-limits.ts'
import { isDesktop } from '../connection.ts'
import { saveFile } from '../conversations/conversation-files.ts'
import { attempt, host, useApp } from '../store.ts'

/** A pipeline on the screen. */
export type OpenPipeline = {
  readonly name: string
  /** Where it is, as far as the page may know: its models are found from there. */
  readonly path: string | null
  readonly text: string
}

/** Whether a file that was dropped may be a pipeline. */
export function isPipelineFile({ name }: { readonly name: string }): boolean {
  return /\.ya?ml$/i.test(name)
}

/** Lets the user choose a pipeline file, and shows its dry run. */
export function choosePipeline(): void {
  const input = document.createElement('input')
  input.type = 'file'
  input.accept = '.yaml,.yml'
  input.addEventListener('change', () => {
    const file = input.files?.[0]
    if (file) void openPipeline(file)
  })
  input.click()
}

/** Shows the dry run of a file. */
export async function openPipeline(file: File): Promise<void> {
  await attempt(async () => {
    if (file.size > 4 * maxPipelineCharacters)
      throw new AppError('BAD_INPUT', `Cannot open "${file.name}": it is too long to be a pipeline`, {
        details: { help: `A pipeline has at most ${maxPipelineCharacters.toLocaleString('en')} characters` },
      })
    const path = (isDesktop() ? window.plenum?.pathForFile(file) : undefined) ?? ''
    showPipeline({ name: file.name, path: path === '' ? null : path, text: await file.text() })
  })
}

/** Shows the set in memory as a pipeline, to be changed and saved. */
export async function openCurrentSet(): Promise<void> {
  await attempt(async () => {
    const { text } = await host().pipelines.write()
    showPipeline({ name: 'pipeline.yaml', path: null, text })
  })
}

/** Saves a text where the user says. */
export async function savePipeline({ name, text }: Pick<OpenPipeline, 'name' | 'text'>): Promise<void> {
  await saveFile(new File([text], name, { type: 'application/yaml' }))
}

/** Opens a pipeline on the screen, or (null) closes it. */
export function showPipeline(pipeline: OpenPipeline | null): void {
  useApp.setState({ pipeline })
}
