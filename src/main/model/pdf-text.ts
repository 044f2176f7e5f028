import { AppError } from '../../contract/errors.ts'
import { WorkGuard } from './work-guard.ts'

/** Far more than the text of a long book takes. */
const memoryLimitBytes = 768 * 2 ** 20
const mostPages = 5000

/**
 * The text of a PDF file, page by page. For a process of its own: a hostile file may end it or keep it busy for ever. `BAD_INPUT` says what is wrong
 * with a file that cannot be read.
 */
export async function readPdf(file: Uint8Array): Promise<string[]> {
  const guard = new WorkGuard({ limitBytes: memoryLimitBytes })
  using _watch = guard.watch()
  const { getDocumentProxy, extractText } = await import('unpdf')
  try {
    // Nothing of a document is executed, and no font or picture is made: only its text is wanted.
    const document = await getDocumentProxy(new Uint8Array(file), { disableFontFace: true, verbosity: 0 })
    if (document.numPages > mostPages)
      throw new AppError(
        'BAD_INPUT',
        `it has ${String(document.numPages)} pages, at most ${String(mostPages)} can be read`,
      )
    return (await extractText(document, { mergePages: false })).text
  } catch (error) {
    if (error instanceof AppError) throw error
    const name = error instanceof Error ? error.name : ''
    throw new AppError(
      'BAD_INPUT',
      name === 'PasswordException'
        ? 'it is locked with a password'
        : `it cannot be read (${error instanceof Error ? error.message : String(error)})`,
      { cause: error },
    )
  }
}
