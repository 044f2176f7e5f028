/**
 * A large file of conversations on its way in: time, the longest time for which the host stood still, and memory. The file is made here, read in
 * the pieces in which the window sends them, and written into a database of its own; then all is exported again.
 * `node --expose-gc bench/import.ts [--megabytes 100]`.
 */
import { createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { fileFormat, fileVersion, type ExportedConversation } from '../src/contract/conversation-file.ts'
import { ConversationFiles } from '../src/main/host/conversation-files.ts'
import { Conversations } from '../src/main/host/conversations.ts'
import { openDatabase } from '../src/main/host/database.ts'

/** As the window sends them. */
const pieceCharacters = 1_000_000
const turnsEach = 40

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { megabytes: { type: 'string', default: '100' } } })
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-bench-'))
  const database = openDatabase(path.join(folder, 'plenum.db'))
  const conversations = new Conversations(database)
  try {
    const file = path.join(folder, 'conversations.json')
    await writeFile(file, Number(values.megabytes) * 1e6)
    const files = new ConversationFiles({ database, conversations })
    globalThis.gc?.()
    console.log(`${megabytes(statSync(file).size)} in a file; ${memory()}`)
    await measured('sent in pieces', async () => {
      for await (const text of createReadStream(file, { encoding: 'utf8', highWaterMark: pieceCharacters }))
        files.importPart({ importId: 'large', name: 'conversations.json', text: String(text) })
    })
    await measured('checked and written', async () => {
      for await (const event of files.importEnd('large'))
        if (event.kind === 'done')
          console.log(
            `  ${String(event.result.conversations)} conversations, ${String(event.result.turns)} turns`,
          )
    })
    await measured('exported again', async () => {
      const exported = await files.exportAll()
      console.log(`  ${megabytes(exported.size)}`)
    })
  } finally {
    conversations[Symbol.dispose]()
    database.close()
    rmSync(folder, { recursive: true })
  }
}

async function writeFile(file: string, bytes: number): Promise<void> {
  const texts = ['explanation', 'code', 'thinking', 'multilingual'].map((name) =>
    readFileSync(path.join(import.meta.dirname, '..', 'src', 'testing', 'answers', `${name}.txt`), 'utf8'),
  )
  const out = createWriteStream(file)
  out.write(
    `{"format":${JSON.stringify(fileFormat)},"version":${String(fileVersion)},"exportedAt":1,"conversations":[`,
  )
  let written = 0
  for (let index = 0; written < bytes; index++) {
    const text = JSON.stringify(conversation(String(index), texts))
    written += text.length
    if (!out.write(index === 0 ? text : `,${text}`)) await once(out, 'drain')
  }
  out.end(']}')
  await once(out, 'finish')
}

function conversation(name: string, texts: readonly string[]): ExportedConversation {
  const id = `c${name}`
  const times = { createdAt: 1, updatedAt: Number(name) }
  return {
    ...{ id, title: `Conversation ${name}`, isTitled: true, isPinned: false, isArchived: false, ...times },
    shownTurnId: `${id}-t${String(turnsEach - 1)}`,
    turns: Array.from({ length: turnsEach }, (_, at) => ({
      ...{ id: `${id}-t${String(at)}`, text: `Question ${String(at)} of ${name}`, createdAt: at },
      parentId: at === 0 ? null : `${id}-t${String(at - 1)}`,
      ...{ chosenAnswerId: `${id}-a${String(at)}`, isUndecided: false },
      answers: [
        {
          ...{ id: `${id}-a${String(at)}`, modelId: 'recorded', modelName: 'Recorded', createdAt: at },
          text: texts[at % texts.length] ?? '',
          state: { kind: 'done', stopReason: 'end' },
          stats: null,
        },
      ],
    })),
  }
}

/** Says how long some work took, the longest time without a turn of the event loop (of the processor's time: others may have it), and the most memory that was held. */
async function measured(name: string, work: () => Promise<void>): Promise<void> {
  let longest = 0
  let most = 0
  const threadMs = () => {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  }
  let last = threadMs()
  const timer = setInterval(() => {
    const now = threadMs()
    longest = Math.max(longest, now - last)
    last = now
    most = Math.max(most, process.memoryUsage.rss())
  }, 1)
  const begun = performance.now()
  const { user, system } = process.cpuUsage()
  await work()
  const used = process.cpuUsage({ user, system })
  // What came after the last turn counts too.
  longest = Math.max(longest, threadMs() - last)
  clearInterval(timer)
  const seconds = (performance.now() - begun) / 1000
  console.log(
    `${name}: ${seconds.toFixed(1)} s (${((used.user + used.system) / 1e6).toFixed(1)} s of the processor), stood still for ${longest.toFixed(0)} ms at most, ${megabytes(most)} at most`,
  )
}

function memory(): string {
  return `${megabytes(process.memoryUsage.rss())} resident`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

await main()
