import { maxAttachmentBytes, maxAttachmentCharacters, type Attachment } from '../../contract/attachment.ts'
import { formatBytes } from '../../contract/bytes.ts'
import { AppError, toProblem } from '../../contract/errors.ts'
import { setDraft } from '../send-turn.ts'
import { attempt, host, notify, useApp } from '../store.ts'
import { formatCount } from '../ui/format.ts'

/** An attachment of a message that is still being written. */
export type DraftAttachment =
  | { readonly kind: 'reading'; readonly key: string; readonly name: string }
  | { readonly kind: 'ready'; readonly key: string; readonly attachment: Attachment }

/** A pasted text of more than this becomes an attachment. */
const longPaste = { characters: 2000, lines: 40 }

/** Whether a pasted text would fill the message box. */
export function isLongPaste(text: string): boolean {
  return text.length > longPaste.characters || text.split('\n', longPaste.lines + 1).length > longPaste.lines
}

/** Attaches files to the message that is being written. What has no text in it becomes a notice. */
export async function attachFiles(files: readonly File[]): Promise<void> {
  const conversationId = useApp.getState().conversationId
  await Promise.all(
    files.map((file) =>
      attach(conversationId, file.name, async () => {
        if (file.size > maxAttachmentBytes)
          throw new AppError(
            'BAD_INPUT',
            `Cannot attach "${file.name}": it has ${formatBytes(file.size)}, at most ${formatBytes(maxAttachmentBytes)} are read`,
          )
        return { name: file.name, data: await base64Of(file) }
      }),
    ),
  )
}

/** Attaches a text that was pasted. */
export async function attachText(text: string): Promise<void> {
  if (text.length > maxAttachmentCharacters) {
    notify(
      toProblem(
        new AppError(
          'BAD_INPUT',
          `Cannot attach the pasted text: it has ${formatCount(text.length)} characters, at most ${formatCount(maxAttachmentCharacters)} go with a message`,
        ),
      ),
    )
    return
  }
  await attach(useApp.getState().conversationId, 'Pasted text', async () =>
    Promise.resolve({ name: 'Pasted text', text }),
  )
}

/** Takes an attachment off the message. */
export function removeAttachment(key: string): void {
  const attachment = forget(key)
  if (attachment) void attempt(() => host().attachments.remove({ id: attachment.id }))
}

/** Puts a pasted text into the message box instead. */
export async function pasteAsText(key: string, attachment: Attachment): Promise<void> {
  await attempt(async () => {
    const { text } = await host().attachments.text({ id: attachment.id })
    removeAttachment(key)
    const { conversationId, drafts } = useApp.getState()
    const draft = drafts[conversationId ?? ''] ?? ''
    setDraft(conversationId, draft === '' ? text : `${draft}\n${text}`)
  })
}

/** Cuts an attachment to about so many tokens of a model. */
export async function cutAttachment(
  key: string,
  { id, modelId, tokens }: { readonly id: string; readonly modelId: string; readonly tokens: number },
): Promise<void> {
  await attempt(async () => {
    const attachment = await host().attachments.cut({ id, modelId, tokens })
    update((each) => (each.key === key ? [{ kind: 'ready', key, attachment }] : [each]))
  })
}

type Source = { readonly name: string; readonly data?: string; readonly text?: string }

async function attach(
  conversationId: string | null,
  name: string,
  read: () => Promise<Source>,
): Promise<void> {
  const key = crypto.randomUUID()
  useApp.setState(({ attachments }) => {
    const list = attachments[conversationId ?? ''] ?? []
    return {
      attachments: { ...attachments, [conversationId ?? '']: [...list, { kind: 'reading', key, name }] },
    }
  })
  try {
    const attachment = await host().attachments.add(await read())
    const isWanted = Object.values(useApp.getState().attachments).some((list) =>
      list.some((each) => each.key === key),
    )
    update((each) => (each.key === key ? [{ kind: 'ready', key, attachment }] : [each]))
    // It was taken away while it was read.
    if (!isWanted) await host().attachments.remove({ id: attachment.id })
  } catch (error) {
    forget(key)
    notify(toProblem(error))
  }
}

function forget(key: string): Attachment | null {
  const found = Object.values(useApp.getState().attachments)
    .flat()
    .find((each) => each.key === key)
  update((each) => (each.key === key ? [] : [each]))
  return found?.kind === 'ready' ? found.attachment : null
}

/** Of whichever conversation: a new one may have got its id while a file was read. */
function update(change: (attachment: DraftAttachment) => readonly DraftAttachment[]): void {
  useApp.setState(({ attachments }) => ({
    attachments: Object.fromEntries(
      Object.entries(attachments).map(([id, list]) => [id, list.flatMap((each) => [...change(each)])]),
    ),
  }))
}

function base64Of(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => {
      const url = typeof reader.result === 'string' ? reader.result : ''
      resolve(url.slice(url.indexOf(',') + 1))
    }
    reader.onerror = () =>
      reject(
        new AppError('NOT_FOUND', `Cannot attach "${file.name}": it cannot be read`, {
          details: { help: 'It may be a folder, or it was moved' },
        }),
      )
    reader.readAsDataURL(file)
  })
}
