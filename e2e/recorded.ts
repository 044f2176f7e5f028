import { readFile } from 'node:fs/promises'
import path from 'node:path'
import {
  fileFormat,
  fileVersion,
  type ConversationFile,
  type ExportedConversation,
} from '../src/contract/conversation-file.ts'
import type { Problem } from '../src/contract/errors.ts'
import { Conversations } from '../src/main/host/conversations.ts'
import { openDatabase } from '../src/main/host/database.ts'

/** A turn as it was, word for word. */
export type RecordedTurn = { readonly text: string; readonly answer: string; readonly by?: string }

/** An answer as a large model writes it. */
export async function recordedAnswer(
  name: 'explanation' | 'code' | 'thinking' | 'multilingual',
): Promise<string> {
  return readFile(path.join(import.meta.dirname, '..', 'src', 'testing', 'answers', `${name}.txt`), 'utf8')
}

/** A conversation as it was; the last turn may have been asked of several models at once, and none of their answers kept. */
export type RecordedTalk = {
  readonly title: string
  readonly turns: readonly {
    readonly text: string
    readonly answers: readonly {
      readonly by: string
      readonly modelId?: string
      readonly text: string
      readonly problem?: Problem
    }[]
  }[]
}

/** Conversations in a file as Plenum exports it, newest first; `id` goes before all ids in it. */
export function conversationFile(
  id: string,
  talks: readonly RecordedTalk[],
  now = Date.now(),
): ConversationFile {
  const stats = { promptTokens: 210, reusedTokens: 0, generatedTokens: 512 }
  const conversations = talks.map(({ title, turns }, talkAt): ExportedConversation => {
    const place = `${id}-${String(talkAt)}`
    const times = { createdAt: now - talkAt, updatedAt: now - talkAt }
    return {
      ...{ id: place, title, isTitled: true, isPinned: false, isArchived: false, ...times },
      shownTurnId: turns.length > 0 ? `${place}-turn-${String(turns.length - 1)}` : null,
      turns: turns.map(({ text, answers }, turnAt) => ({
        ...{ id: `${place}-turn-${String(turnAt)}`, text, createdAt: now - talkAt + turnAt },
        parentId: turnAt === 0 ? null : `${place}-turn-${String(turnAt - 1)}`,
        chosenAnswerId: `${place}-answer-${String(turnAt)}-0`,
        isUndecided: answers.length > 1,
        answers: answers.map((answer, at) => ({
          ...{ id: `${place}-answer-${String(turnAt)}-${String(at)}`, createdAt: now - talkAt + turnAt },
          ...{ modelId: answer.modelId ?? 'recorded', modelName: answer.by, text: answer.text },
          ...(answers.length > 1 && { askedTogetherId: `${place}-${String(turnAt)}` }),
          ...(answer.text.includes('</think>') && {
            thoughts: [{ startedAt: now, ms: thoughtMs }],
          }),
          state: answer.problem
            ? { kind: 'interrupted', problem: answer.problem }
            : { kind: 'done', stopReason: 'end' },
          stats: answer.problem ? null : { ...stats, timeToFirstTokenMs: 840, tokensPerSecond: 41.5 },
        })),
      })),
    }
  })
  return { format: fileFormat, version: fileVersion, exportedAt: now, conversations }
}

/** How long each recorded thought takes. */
const thoughtMs = 12_000

/**
 * Writes a conversation into the app's own database, as the host would: for texts that the demo models cannot write. The app sees it
 * when it starts again. Returns its id.
 */
export function recordConversation(
  dataFolder: string,
  title: string,
  turns: readonly RecordedTurn[],
): string {
  const database = openDatabase(path.join(dataFolder, 'plenum.db'))
  try {
    const clock = { now: Date.now() }
    using conversations = new Conversations(database, { now: () => clock.now })
    const { id } = conversations.create({ title })
    for (const { text, answer, by = 'Recorded 70B' } of turns) {
      const turn = conversations.tree.addTurn(id, { text, models: [{ id: 'recorded', name: by }] })
      conversations.live.setState(turn.chosenAnswerId, { kind: 'writing' })
      // What comes after a thought comes later.
      for (const piece of answer.split(/(?=<\/think>)/)) {
        conversations.live.append(turn.chosenAnswerId, piece)
        clock.now += thoughtMs
      }
      conversations.live.end(turn.chosenAnswerId, { kind: 'done', stopReason: 'end' })
    }
    return id
  } finally {
    database.close()
  }
}
