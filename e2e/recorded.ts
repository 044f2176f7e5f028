import { readFile } from 'node:fs/promises'
import path from 'node:path'
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
