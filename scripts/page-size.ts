// What a browser fetches before it can draw the page: the scripts that index.html names and what these import at once.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { rootFolder } from './build.ts'

/** As much JavaScript may be fetched before the first paint, in bytes, gzipped. Highlighting, formulas and PDF reading come on demand. */
export const initialBytesAllowed = 400_000

/** The initial scripts of a built page with their gzipped bytes, the largest first. Throws when there is no built page. */
export function initialScripts(folder: string): readonly { readonly name: string; readonly bytes: number }[] {
  const page = readFileSync(path.join(folder, 'index.html'), 'utf8')
  const waiting = [...page.matchAll(/(?:src|href)="\.?\/?([^"]+\.js)"/g)].map(([, name = '']) => name)
  const found = new Map<string, number>()
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue
    const content = readFileSync(path.join(folder, name))
    found.set(name, gzipSync(content).length)
    // `import … from"./x.js"` and `import"./x.js"`, but not `import("./x.js")`.
    for (const [, file = ''] of content
      .toString('utf8')
      .matchAll(/\b(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g))
      waiting.push(path.posix.join(path.posix.dirname(name), file))
  }
  return [...found].map(([name, bytes]) => ({ name, bytes })).sort((one, other) => other.bytes - one.bytes)
}

/** Says how large the page's initial JavaScript is; 1 when it is larger than allowed. */
export function checkPageSize(): number {
  const scripts = initialScripts(path.join(rootFolder, 'out', 'renderer'))
  const bytes = scripts.reduce((sum, script) => sum + script.bytes, 0)
  const isFine = scripts.length > 0 && bytes < initialBytesAllowed
  const names = scripts.map((script) => `${script.name} ${kilobytes(script.bytes)}`).join(', ')
  console.log(
    `Initial JavaScript, gzipped: ${kilobytes(bytes)} of ${kilobytes(initialBytesAllowed)} (${names})`,
  )
  return isFine ? 0 : 1
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`
}
