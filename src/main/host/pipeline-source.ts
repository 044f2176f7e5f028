import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../contract/errors.ts'
import { maxPipelineCharacters } from '../../contract/pipeline-limits.ts'
import type { PipelineSource } from '../../contract/pipeline-report.ts'

/** The text of a pipeline file, and the folder from which its paths go on. */
export type PipelineText = { readonly text: string; readonly folder: string; readonly name: string }

/** Reads a file, or takes the text that was given. Throws `NOT_FOUND` and `BAD_INPUT` with what would help. */
export async function readPipelineText(
  source: PipelineSource,
  { home, folder }: { readonly home: string; readonly folder: string },
): Promise<PipelineText> {
  const file = source.path === undefined ? null : path.resolve(source.path.replace(/^~(?=$|[/\\])/, home))
  const place = {
    folder: file === null ? folder : path.dirname(file),
    name: path.basename(file ?? 'pipeline'),
  }
  if (source.text !== undefined) return { text: source.text, ...place }
  if (file === null)
    throw new AppError('BAD_INPUT', 'Cannot open a pipeline: neither a path nor a text was given')
  const refuse = (fact: string, help: string, cause?: unknown) =>
    new AppError('BAD_INPUT', `Cannot open "${file}": ${fact}`, { details: { path: file, help }, cause })
  if (!/\.ya?ml$/i.test(file)) throw refuse('it is no YAML file', 'Pipeline files end in .yaml')
  const facts = await stat(file).catch((cause: unknown) => {
    throw new AppError('NOT_FOUND', `Cannot open "${file}": there is no such file`, {
      details: { path: file, help: 'Check the path' },
      cause,
    })
  })
  // A pipe would block for ever.
  if (!facts.isFile()) throw refuse('it is no regular file', 'Choose a file that ends in .yaml')
  // A character has four bytes at most.
  if (facts.size > 4 * maxPipelineCharacters)
    throw refuse(
      'it is too long to be a pipeline',
      `A pipeline has at most ${maxPipelineCharacters} characters`,
    )
  try {
    return { text: await readFile(file, 'utf8'), ...place }
  } catch (cause) {
    throw refuse('it cannot be read', 'Check its permissions', cause)
  }
}
