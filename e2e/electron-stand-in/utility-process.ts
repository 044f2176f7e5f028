import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { constants } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'

type ForkOptions = { env?: NodeJS.ProcessEnv; execArgv?: string[]; stdio?: ('pipe' | 'ignore' | 'inherit')[] }

const children = new Set<ChildProcess>()

class UtilityProcess extends EventEmitter {
  readonly stderr: Readable | null
  #pid: number | undefined
  readonly #child: ChildProcess

  constructor(file: string, args: readonly string[], options: ForkOptions) {
    super()
    const [, stdout = 'inherit', stderr = 'inherit'] = options.stdio ?? []
    this.#child = fork(
      path.join(import.meta.dirname, 'utility-child.ts'),
      [Reflect.get(process.versions, 'electron'), file, ...args],
      {
        serialization: 'advanced',
        env: { ...(options.env ?? process.env), NODE_NO_WARNINGS: '1' },
        execArgv: options.execArgv ?? [],
        stdio: ['ignore', stdout, stderr, 'ipc'],
      },
    )
    children.add(this.#child)
    this.stderr = this.#child.stderr
    this.#child.on('spawn', () => {
      this.#pid = this.#child.pid
      this.emit('spawn')
    })
    this.#child.on('message', (message: { readonly data: unknown }) => this.emit('message', message.data))
    this.#child.on('exit', (code, signal) => {
      children.delete(this.#child)
      this.#pid = undefined
      // As Electron does on POSIX: what waitpid says.
      this.emit('exit', code ?? (signal === null ? 0 : constants.signals[signal]))
    })
  }

  /** Undefined until it runs, and after its end. */
  get pid(): number | undefined {
    return this.#pid
  }

  postMessage(data: unknown): void {
    if (this.#child.connected) this.#child.send({ data }, () => undefined)
  }

  kill(): boolean {
    return this.#pid !== undefined && this.#child.kill()
  }
}

/** Forks utility processes as plain Node processes. */
export const utilityProcess = {
  fork: (file: string, args: readonly string[] = [], options: ForkOptions = {}) =>
    new UtilityProcess(file, args, options),
}

/** Ends what is left of them when the app ends. */
export function killUtilityProcesses(): void {
  for (const child of children) child.kill('SIGKILL')
}
