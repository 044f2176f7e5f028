import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { rootFolder } from './build.ts'

/** Runs the built headless host in this terminal until it ends; `onReady` hears of its address. */
export async function runHeadless(
  flags: readonly string[],
  { onReady }: { readonly onReady?: (url: string) => void } = {},
): Promise<number> {
  const program = path.join(rootFolder, 'out', 'main', 'headless.js')
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...flags], {
    stdio: ['inherit', 'pipe', 'inherit'],
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line)
    const url = /^Plenum is ready at (\S+)$/.exec(line)?.[1]
    if (url !== undefined) onReady?.(url)
  })
  // A terminal signals both; others signal this process only. The host ends in its own time.
  process.on('SIGINT', () => undefined)
  process.on('SIGTERM', () => void child.kill('SIGTERM'))
  return new Promise((resolve) => {
    child.on('close', (code) => resolve(code ?? 1))
  })
}
