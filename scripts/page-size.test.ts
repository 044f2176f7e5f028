import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { initialScripts } from './page-size.ts'

test('counts what the page imports at once, and not what it fetches on demand', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-page-'))
  try {
    mkdirSync(path.join(folder, 'assets'))
    const files = {
      'index.html': '<script type="module" src="./assets/index-1.js"></script>',
      'assets/index-1.js':
        'import{a as b}from"./shared-2.js";import"./side-3.js";import("./katex-4.js").then(b)',
      'assets/shared-2.js': 'export const a=1;import"./side-3.js"',
      'assets/side-3.js': 'console.log(1)',
      'assets/katex-4.js': 'export default 1',
    }
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content)
    const size = (name: keyof typeof files) => gzipSync(files[name]).length
    expect(initialScripts(folder)).toEqual(
      (['assets/index-1.js', 'assets/shared-2.js', 'assets/side-3.js'] as const)
        .map((name) => ({ name, bytes: size(name) }))
        .sort((one, other) => other.bytes - one.bytes),
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
})
