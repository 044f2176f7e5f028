import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { open, rename, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { formatBytes, GB } from '../../contract/bytes.ts'
import { toProblem } from '../../contract/errors.ts'
import { readModelIdentity, type ModelIdentity } from './model-identity.ts'

/** What the user has set about parking. */
export type ParkingLimits = {
  readonly isOn: boolean
  /** Null: 16 GB or a tenth of the disk's free room, whichever is less. */
  readonly budgetBytes: number | null
}

/** What became of a wish to park. */
type ParkOutcome =
  | { readonly kind: 'parked'; readonly tokens: number; readonly bytes: number }
  /** Not done, and why in plain words. What was parked before stays unless it no longer counts. */
  | { readonly kind: 'skipped'; readonly reason: string }

/** What became of a wish to restore. */
type RestoreOutcome =
  | { readonly kind: 'restored'; readonly tokens: number; readonly bytes: number }
  /** Nothing was parked. */
  | { readonly kind: 'absent' }
  /** What was parked does not fit or is damaged; it was deleted. */
  | { readonly kind: 'refused'; readonly reason: string }

/** The parked states of one model, from one load to its end. */
export interface ModelParking {
  /** Whether the user wants conversations on disk. */
  readonly isOn: boolean
  /** A path that nobody else uses, for a state on its way from one context to another. */
  scratchFile(): string
  /** Tokens of a conversation that are parked, whether they still fit or not; 0 when none. */
  parkedTokens(conversationId: string): number
  /** Parks a conversation: `save` writes its state, at most `mostBytes`, to a path. Never rejects. */
  park(
    conversationId: string,
    state: {
      readonly stateFormat: string
      readonly mostBytes: number
      readonly save: (path: string) => Promise<{ tokens: number; bytes: number }>
    },
  ): Promise<ParkOutcome>
  /** Brings a conversation back: `restore` reads the state at a path, which was checked before. Never rejects. */
  restore(
    conversationId: string,
    state: {
      readonly stateFormat: string
      readonly restore: (path: string) => Promise<{ tokens: number }>
    },
  ): Promise<RestoreOutcome>
}

type Row = {
  readonly file: string
  readonly model: string
  readonly state_format: string
  readonly tokens: number
  readonly bytes: number
  readonly checksum: string
}

const defaultBudgetBytes = 16 * GB
const chunkBytes = 1 << 20

/**
 * KV states of conversations on disk, each with what is needed to know that it still fits: the model's files as they were, the format,
 * the number of tokens, length and checksum. The database knows what there is, the folder holds the states; a state
 * without a row, or a row without its state, counts as none. Only the user can read them.
 */
export class Parking {
  readonly #database: DatabaseSync
  readonly #folder: string
  readonly #limits: () => ParkingLimits
  /** Conversations whose state is on its way to disk, and whether they were forgotten meanwhile. */
  readonly #underWay = new Set<{ readonly conversationId: string; isForgotten: boolean }>()

  constructor(options: {
    readonly database: DatabaseSync
    readonly folder: string
    readonly limits: () => ParkingLimits
  }) {
    this.#database = options.database
    this.#folder = options.folder
    this.#limits = options.limits
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    this.#sweep()
  }

  /** The parked states of a model whose files are about to be loaded. */
  async ofModel(modelId: string, paths: readonly string[]): Promise<ModelParking> {
    const identity = await readModelIdentity(paths)
    const limits = this.#limits
    return {
      get isOn() {
        return limits().isOn
      },
      scratchFile: () => this.#newFile('tmp'),
      parkedTokens: (conversationId) => this.parkedTokens(conversationId, modelId),
      park: (conversationId, state) => this.#park({ conversationId, modelId, identity, ...state }),
      restore: (conversationId, state) => this.#restore({ conversationId, modelId, identity, ...state }),
    }
  }

  /** Tokens of a conversation that are parked for a model, whether they still fit or not; 0 when none. */
  parkedTokens(conversationId: string, modelId: string): number {
    return this.#row(conversationId, modelId)?.tokens ?? 0
  }

  /** Deletes what is parked of a conversation, also what is on its way. */
  forget(conversationId: string): void {
    for (const each of this.#underWay) if (each.conversationId === conversationId) each.isForgotten = true
    this.#delete('conversation_id = ?', conversationId)
  }

  /** Deletes what is parked of a model. */
  forgetModel(modelId: string): void {
    this.#delete('model_id = ?', modelId)
  }

  /** Bytes that are parked. */
  get bytes(): number {
    const row = this.#database
      .prepare('SELECT coalesce(sum(bytes), 0) AS bytes FROM parked_states')
      .get() as {
      bytes: number
    }
    return row.bytes
  }

  /** Follows changed limits: deletes everything when parking is off, and the oldest as far as the budget is smaller. */
  async trim(): Promise<void> {
    const { isOn } = this.#limits()
    if (isOn) this.#removeOldest(await this.#budgetBytes())
    else this.#delete('TRUE')
  }

  async #park(request: {
    readonly conversationId: string
    readonly modelId: string
    readonly identity: ModelIdentity
    readonly stateFormat: string
    readonly mostBytes: number
    readonly save: (path: string) => Promise<{ tokens: number; bytes: number }>
  }): Promise<ParkOutcome> {
    const { conversationId, modelId, identity, stateFormat, mostBytes, save } = request
    if (!this.#limits().isOn) return { kind: 'skipped', reason: 'parking is off' }
    if (!(await identity.isUnchanged()))
      return { kind: 'skipped', reason: 'the model file has changed since it was loaded' }
    const temporary = this.#newFile('tmp')
    const place = { conversationId, isForgotten: false }
    this.#underWay.add(place)
    try {
      const budgetBytes = await this.#budgetBytes()
      if (mostBytes > budgetBytes)
        return {
          kind: 'skipped',
          reason: `its ${formatBytes(mostBytes)} do not fit into the disk budget of ${formatBytes(budgetBytes)}`,
        }
      this.#removeOldest(budgetBytes - mostBytes, { conversationId, modelId })
      // Made here, so that nobody else can read it even while it is written. The folder is closed to others, too.
      await (await open(temporary, 'wx', 0o600)).close()
      const { tokens, bytes } = await save(temporary)
      const checksum = await checksumOf(temporary)
      const file = this.#newFile('kv')
      // Not synced: what a power cut loses is noticed by the checksum, and read again.
      await rename(temporary, file)
      if (place.isForgotten || !this.#database.isOpen) {
        await rm(file, { force: true })
        return { kind: 'skipped', reason: 'the conversation was deleted' }
      }
      const before = this.#row(conversationId, modelId)
      this.#database
        .prepare(
          `INSERT OR REPLACE INTO parked_states
            (conversation_id, model_id, file, model, state_format, tokens, bytes, checksum, used_at)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(
          ...[conversationId, modelId, path.basename(file), identity.text, stateFormat],
          ...[tokens, bytes, checksum, Date.now()],
        )
      if (before) await rm(path.join(this.#folder, before.file), { force: true })
      return { kind: 'parked', tokens, bytes }
    } catch (error) {
      return { kind: 'skipped', reason: toProblem(error).message }
    } finally {
      this.#underWay.delete(place)
      await rm(temporary, { force: true })
    }
  }

  async #restore(request: {
    readonly conversationId: string
    readonly modelId: string
    readonly identity: ModelIdentity
    readonly stateFormat: string
    readonly restore: (path: string) => Promise<{ tokens: number }>
  }): Promise<RestoreOutcome> {
    const { conversationId, modelId, identity, stateFormat, restore } = request
    const row = this.#row(conversationId, modelId)
    if (!row) return { kind: 'absent' }
    const file = path.join(this.#folder, row.file)
    try {
      const reason = await whyUnfit(file, row, { model: identity.text, stateFormat })
      if (reason !== null) return this.#refuse(conversationId, modelId, reason)
      const { tokens } = await restore(file)
      if (tokens !== row.tokens)
        return this.#refuse(
          conversationId,
          modelId,
          `${String(tokens)} of ${String(row.tokens)} tokens came back`,
        )
      this.#database
        .prepare('UPDATE parked_states SET used_at = ? WHERE conversation_id = ? AND model_id = ?')
        .run(Date.now(), conversationId, modelId)
      return { kind: 'restored', tokens, bytes: row.bytes }
    } catch (error) {
      return this.#refuse(conversationId, modelId, toProblem(error).message)
    }
  }

  #refuse(conversationId: string, modelId: string, reason: string): RestoreOutcome {
    this.#delete('conversation_id = ? AND model_id = ?', conversationId, modelId)
    return { kind: 'refused', reason }
  }

  #row(conversationId: string, modelId: string): Row | undefined {
    // The columns of the table, as the only statement that writes them has them.
    return this.#database
      .prepare('SELECT * FROM parked_states WHERE conversation_id = ? AND model_id = ?')
      .get(conversationId, modelId) as Row | undefined
  }

  #newFile(extension: 'kv' | 'tmp'): string {
    return path.join(this.#folder, `${randomUUID()}.${extension}`)
  }

  async #budgetBytes(): Promise<number> {
    const { budgetBytes } = this.#limits()
    if (budgetBytes !== null) return budgetBytes
    const { bavail, bsize } = await statfs(this.#folder)
    // What is parked already would be free without it.
    return Math.min(defaultBudgetBytes, (bavail * bsize + this.bytes) / 10)
  }

  /** Deletes the states that were not used for the longest time until the rest takes so many bytes at most. */
  #removeOldest(bytes: number, except?: { conversationId: string; modelId: string }): void {
    let excess = this.bytes - bytes
    const rows = this.#database
      .prepare('SELECT conversation_id, model_id, bytes FROM parked_states ORDER BY used_at, rowid')
      .all() as { conversation_id: string; model_id: string; bytes: number }[]
    for (const row of rows) {
      if (excess <= 0) return
      const isExcepted = row.conversation_id === except?.conversationId && row.model_id === except.modelId
      if (!isExcepted) this.#delete('conversation_id = ? AND model_id = ?', row.conversation_id, row.model_id)
      // It is replaced by what comes.
      excess -= row.bytes
    }
  }

  #delete(where: string, ...values: string[]): void {
    const rows = this.#database
      .prepare(`DELETE FROM parked_states WHERE ${where} RETURNING file`)
      .all(...values) as { file: string }[]
    for (const { file } of rows) rmSync(path.join(this.#folder, file), { force: true })
  }

  /** Removes what an earlier end of the app has left over: files that no row names, and rows of conversations that are gone. */
  #sweep(): void {
    this.#delete('conversation_id NOT IN (SELECT id FROM conversations)')
    const known = new Set(
      (this.#database.prepare('SELECT file FROM parked_states').all() as { file: string }[]).map(
        ({ file }) => file,
      ),
    )
    for (const file of readdirSync(this.#folder))
      if (/\.(kv|tmp)$/.test(file) && !known.has(file)) rmSync(path.join(this.#folder, file), { force: true })
    for (const file of known)
      if (!statSync(path.join(this.#folder, file), { throwIfNoEntry: false })) this.#delete('file = ?', file)
  }
}

/** Why a parked state must not be restored; null when it may. Looks at the cheap things first. */
async function whyUnfit(
  file: string,
  row: Row,
  wanted: { readonly model: string; readonly stateFormat: string },
): Promise<string | null> {
  if (row.model !== wanted.model) return 'the model file has changed'
  if (row.state_format !== wanted.stateFormat) return 'the context is of another kind'
  const { size } = await stat(file)
  if (size !== row.bytes) return `the file has ${String(size)} of ${String(row.bytes)} bytes`
  return (await checksumOf(file)) === row.checksum ? null : 'the file is damaged'
}

async function checksumOf(file: string): Promise<string> {
  const hash = createHash('sha1')
  await using handle = await open(file)
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes)
    if (bytesRead === 0) return hash.digest('hex')
    hash.update(buffer.subarray(0, bytesRead))
  }
}
