import { constants } from 'node:os'
import type { ChildExit } from '../host/starter.ts'

/**
 * What an exit code says. On POSIX, Electron hands on what waitpid says of a process that was killed: the signal's number, with
 * 128 added for a core dump, which is also how shells write it.
 */
export function readExitCode(code: number, platform: NodeJS.Platform = process.platform): ChildExit {
  if (platform === 'win32') return { code, signal: null }
  const number = code > 128 ? code - 128 : code
  const killers = [
    'SIGILL',
    'SIGTRAP',
    'SIGABRT',
    'SIGBUS',
    'SIGFPE',
    'SIGKILL',
    'SIGSEGV',
    'SIGTERM',
  ] as const
  const signal = killers.find((name) => constants.signals[name] === number)
  return signal === undefined ? { code, signal: null } : { code: null, signal }
}
