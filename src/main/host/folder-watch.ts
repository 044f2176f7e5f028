import { type FSWatcher, watch } from 'node:fs'

/** Each watched folder costs a handle of the system. */
const maxFolders = 4000
/** During a long change (a download) it is told every so many quiet times. */
const maxQuietTimes = 10

/** Which changes in a folder matter: of anything in it, or of GGUF files. */
export type FolderInterest = 'everything' | 'models'

/** Tells when something changes in any of a set of folders: once, when it has been quiet for a moment. */
export class FolderWatch implements Disposable {
  readonly #onChange: () => void
  readonly #quietMs: number
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly interest: FolderInterest }>()
  #timer: NodeJS.Timeout | undefined
  #firstChangeAt: number | null = null

  constructor(onChange: () => void, { quietMs = 500 }: { quietMs?: number } = {}) {
    this.#onChange = onChange
    this.#quietMs = quietMs
  }

  /** Watches these folders (not what is below them) and no others. Folders that cannot be watched are left out. */
  follow(folders: ReadonlyMap<string, FolderInterest>): void {
    for (const [folder, { watcher, interest }] of this.#watchers) {
      if (folders.get(folder) === interest) continue
      watcher.close()
      this.#watchers.delete(folder)
    }
    for (const [folder, interest] of folders)
      if (!this.#watchers.has(folder) && this.#watchers.size < maxFolders) this.#open(folder, interest)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    for (const { watcher } of this.#watchers.values()) watcher.close()
    this.#watchers.clear()
  }

  #open(folder: string, interest: FolderInterest): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (interest === 'everything' || name === null || name.toLowerCase().endsWith('.gguf'))
          this.#changed()
      })
      watcher.on('error', () => {
        // The folder is gone; what that means is found out by looking again.
        watcher.close()
        this.#watchers.delete(folder)
        this.#changed()
      })
      this.#watchers.set(folder, { watcher, interest })
    } catch {
      // Not there, or the system has no more watches: it is looked into at the next start.
    }
  }

  #changed(): void {
    const now = performance.now()
    this.#firstChangeAt ??= now
    const longestMs = maxQuietTimes * this.#quietMs - (now - this.#firstChangeAt)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        this.#firstChangeAt = null
        this.#onChange()
      },
      Math.max(0, Math.min(this.#quietMs, longestMs)),
    )
    this.#timer.unref()
  }
}
