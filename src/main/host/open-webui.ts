import { createHash } from 'node:crypto'
import { z } from 'zod'
import { plainAsking } from '../../contract/asking.ts'
import type { ExportedAnswer, ExportedConversation, ExportedTurn } from '../../contract/conversation-file.ts'
import type { AnswerState } from '../../contract/conversation.ts'

// What is not as expected counts as not there: the format is another app's, and has changed over time.
const text = z.string().catch('')
const optionalText = z.string().optional().catch(undefined)
const number = z.number().optional().catch(undefined)
const flag = z.boolean().catch(false)
const list = z.array(z.unknown()).catch([])

/** Old ones and some kinds of message hold parts instead of a text. */
const content = z
  .union([
    z.string(),
    z
      .array(z.object({ type: z.string(), text: z.string().optional() }))
      .transform((parts) => parts.map((part) => part.text ?? '').join('\n')),
  ])
  .catch('')

const messageSchema = z.object({
  id: optionalText,
  parentId: z.string().nullable().catch(null),
  role: text,
  content,
  timestamp: number,
  model: optionalText,
  modelName: optionalText,
  files: list,
  error: z.unknown().optional(),
})
type Message = z.infer<typeof messageSchema>

const chatSchema = z.object({
  id: optionalText,
  title: optionalText,
  models: z.array(z.string()).catch([]),
  timestamp: number,
  system: optionalText,
  params: z.object({ system: optionalText }).catch({ system: undefined }),
  history: z
    .object({
      messages: z.record(z.string(), messageSchema).catch({}),
      currentId: z.string().nullable().catch(null),
    })
    .catch({ messages: {}, currentId: null }),
  messages: z.array(messageSchema).catch([]),
})

const entrySchema = z.object({
  id: optionalText,
  title: optionalText,
  created_at: number,
  updated_at: number,
  archived: flag,
  pinned: z.boolean().nullable().catch(false),
  chat: z.unknown().optional(),
})

/** What a chat held that Plenum has no place for. */
export type LeftBehind = { readonly files: number; readonly loose: number }

/** A chat of Open WebUI as one of Plenum, or why it is none. */
export type ReadChat =
  | { readonly kind: 'chat'; readonly conversation: ExportedConversation; readonly leftBehind: LeftBehind }
  | { readonly kind: 'unreadable'; readonly title: string; readonly reason: string }

/** Whether an object looks like a chat of Open WebUI's exports: with a `chat` within, or one itself. */
export function looksLikeChat(value: unknown): boolean {
  const shape = z.union([
    z.looseObject({ chat: z.looseObject({}) }),
    z.looseObject({ history: z.looseObject({}) }),
    z.looseObject({ messages: z.array(z.looseObject({ role: z.string() })) }),
  ])
  return shape.safeParse(value).success
}

/**
 * Reads a chat of Open WebUI's exports (`src/lib/utils` and `routers/chats` of open-webui/open-webui): messages as a tree keyed by id, or in
 * older ones only as a list. A user's message and the answers below it become a turn. `now` stands in for times that are missing,
 * in milliseconds since 1970.
 */
export function readChat(value: unknown, now: number): ReadChat {
  const entry = entrySchema.safeParse(value).data
  const chat = chatSchema.safeParse(entry?.chat ?? value).data
  const title = firstText(entry?.title, chat?.title) ?? 'Untitled chat'
  if (!entry || !chat) return { kind: 'unreadable', title, reason: 'It is no chat' }
  const messages = messagesOf(chat)
  const id = usableId(
    entry.id ?? chat.id,
    JSON.stringify([title, [...messages.values()].map((each) => each.content)]),
  )
  const first = time(entry.created_at ?? chat.timestamp, now)
  const { turns, shownTurnId, loose } = turnsOf(messages, {
    ...{ conversationId: id, first, model: chat.models[0], currentId: chat.history.currentId },
  })
  if (turns.length === 0) return { kind: 'unreadable', title, reason: 'It has no messages' }
  const systemMessage = [...messages.values()].find(({ role }) => role === 'system')
  const instructions = firstText(chat.system, chat.params.system, systemMessage?.content)
  return {
    kind: 'chat',
    conversation: {
      id,
      title: title.slice(0, 200),
      isTitled: true,
      isPinned: entry.pinned === true,
      isArchived: entry.archived,
      createdAt: first,
      updatedAt: Math.max(first, time(entry.updated_at, first)),
      shownTurnId,
      turns,
      ...(instructions !== undefined && {
        asking: { ...plainAsking, instructions: instructions.slice(0, 200_000) },
      }),
    },
    leftBehind: {
      files: [...messages.values()].reduce((sum, { files }) => sum + files.length, 0),
      loose,
    },
  }
}

/** All messages by id: the tree, or what older exports have, a list in which each follows the one before. */
function messagesOf({ history, messages }: z.infer<typeof chatSchema>): ReadonlyMap<string, Message> {
  const tree = Object.entries(history.messages)
  if (tree.length > 0) return new Map(tree)
  const ids = messages.map((message, index) => message.id ?? `message-${String(index)}`)
  return new Map(
    messages.map((message, index) => [ids[index] ?? '', { ...message, parentId: ids[index - 1] ?? null }]),
  )
}

type Place = {
  readonly conversationId: string
  readonly first: number
  readonly model: string | undefined
  readonly currentId: string | null
}

/** What waits to be made a turn: a message, the turn and answer that it hangs on, and when that was. */
type Waiting = {
  readonly id: string
  readonly parentId: string | null
  readonly parentAnswerId: string | null
  readonly after: number
}

/** A turn for each user's message, parents before those that hang on them. */
function turnsOf(messages: ReadonlyMap<string, Message>, { conversationId, first, model, currentId }: Place) {
  const children = Map.groupBy(messages.keys(), (id) => {
    const parent = messages.get(id)?.parentId ?? null
    return parent !== null && messages.has(parent) && parent !== id ? parent : null
  })
  const isShown = shownMessages(messages, children, currentId)
  const turns: ExportedTurn[] = []
  const own = (id: string, part = '') => usableId(undefined, `${conversationId}\n${id}\n${part}`)
  let shownTurnId: string | null = null
  let loose = 0
  // A list that grows instead of recursion: conversations are longer than the stack is deep.
  const waiting: Waiting[] = (children.get(null) ?? []).map((id) => ({
    ...{ id, parentId: null, parentAnswerId: null, after: first },
  }))
  for (const next of waiting) {
    const message = messages.get(next.id)
    const below = children.get(next.id) ?? []
    if (message?.role !== 'user') {
      // A system message, or an answer to nothing: what follows it begins a conversation, or goes on where it was.
      if (message?.role !== 'system') loose++
      waiting.push(...below.map((id) => ({ ...next, id })))
      continue
    }
    const at = time(message.timestamp, next.after)
    const answerIds = below.filter((id) => messages.get(id)?.role === 'assistant')
    const answers = answerIds.map((id) => answerOf(messages.get(id), { id: own(id), at, model }))
    const unanswered = answerOf(undefined, { id: own(next.id, 'none'), at, model })
    const chosenId = answerIds.find((id) => isShown.has(id)) ?? answerIds.at(-1)
    const chosenAnswerId = chosenId === undefined ? unanswered.id : own(chosenId)
    const id = own(next.id)
    turns.push({
      ...{ id, parentId: next.parentId, parentAnswerId: next.parentAnswerId, text: message.content },
      ...{ createdAt: at, chosenAnswerId, answers: answers.length > 0 ? answers : [unanswered] },
    })
    if (isShown.has(next.id)) shownTurnId = id
    // A message that follows a message without an answer between them hangs on the chosen one.
    const hang = (ids: readonly string[], parentAnswerId: string) =>
      waiting.push(...ids.map((each) => ({ id: each, parentId: id, parentAnswerId, after: at })))
    for (const each of answerIds) hang(children.get(each) ?? [], own(each))
    hang(
      below.filter((each) => !answerIds.includes(each)),
      chosenAnswerId,
    )
  }
  return { turns, shownTurnId: shownTurnId ?? turns[0]?.id ?? null, loose }
}

/** The messages of the path that was shown: through the current one, on with the last version always. */
function shownMessages(
  messages: ReadonlyMap<string, Message>,
  children: ReadonlyMap<string | null, readonly string[]>,
  currentId: string | null,
): ReadonlySet<string> {
  const begin = currentId !== null && messages.has(currentId) ? currentId : [...messages.keys()].at(-1)
  const shown = new Set<string>()
  for (let id = begin; id !== undefined && !shown.has(id); id = messages.get(id)?.parentId ?? undefined)
    shown.add(id)
  const last = (id: string | undefined) => (id === undefined ? undefined : children.get(id)?.at(-1))
  for (let id = last(begin); id !== undefined && !shown.has(id); id = last(id)) shown.add(id)
  return shown
}

function answerOf(
  message: Message | undefined,
  { id, at, model }: { readonly id: string; readonly at: number; readonly model: string | undefined },
): ExportedAnswer {
  const failed = message?.error !== undefined && message.error !== null && message.error !== false
  const state: AnswerState =
    message && !failed
      ? { kind: 'done', stopReason: 'end' }
      : {
          kind: 'interrupted',
          problem: {
            code: 'MODEL_FAILED',
            message: message ? 'The answer failed where it was made' : 'The message was not answered',
            details: {},
          },
        }
  const name = firstText(message?.modelName, message?.model, model) ?? 'Unknown model'
  return {
    id,
    modelId: (message?.model ?? model ?? 'unknown').slice(0, 1000),
    modelName: name.slice(0, 1000),
    text: message?.content ?? '',
    state,
    stats: null,
    createdAt: time(message?.timestamp, at),
  }
}

/** Open WebUI has seconds in some places and milliseconds in others. */
function time(value: number | undefined, otherwise: number): number {
  if (value === undefined || !Number.isFinite(value) || value <= 0) return otherwise
  const ms = Math.round(value < 100_000_000_000 ? value * 1000 : value)
  return ms <= 8_640_000_000_000_000 ? ms : otherwise
}

/** An id that stays the same when the same file comes again. */
function usableId(id: string | undefined, otherwise: string): string {
  if (id !== undefined && /^[\w-]{8,100}$/.test(id)) return id
  const hash = createHash('sha256').update(otherwise).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-${hash.slice(12, 16)}-${hash.slice(16, 20)}-${hash.slice(20, 32)}`
}

function firstText(...texts: readonly (string | undefined)[]): string | undefined {
  return texts.find((each) => each !== undefined && each.trim() !== '')?.trim()
}
