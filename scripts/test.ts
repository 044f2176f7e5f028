// npm test: every check there is. The last line says how many tests passed and failed.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { build, rootFolder } from './build.ts'
import { findOrInstallChromium } from './chromium.ts'
import { checkPageSize } from './page-size.ts'

type Tally = { readonly passed: number; readonly failed: number }

const require = createRequire(import.meta.url)
const reports = mkdtempSync(path.join(tmpdir(), 'plenum-test-'))
process.on('exit', () => rmSync(reports, { recursive: true, force: true }))

const tallies = [
  check('format', () =>
    run('prettier', 'bin/prettier.cjs', ['--check', '--log-level', 'warn', '--cache', '.']),
  ),
  check('lint', () =>
    run('eslint', 'bin/eslint.js', ['--cache', '--cache-location', 'node_modules/.cache/eslint', '.']),
  ),
  check('types', () => run('typescript', 'bin/tsc', ['-b'])),
  check('build', build),
  check('page size', checkPageSize),
  unitTests(),
  endToEndTests(),
]
const passed = sum(tallies.map((tally) => tally.passed))
const failed = sum(tallies.map((tally) => tally.failed))
console.log(`${String(passed)} passed, ${String(failed)} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** A check that is no test: it counts only when it fails. */
function check(name: string, execute: () => number): Tally {
  heading(name)
  const status = execute()
  if (status !== 0) console.log(`The ${name} check failed`)
  return { passed: 0, failed: status === 0 ? 0 : 1 }
}

function unitTests(): Tally {
  heading('unit tests')
  const report = path.join(reports, 'vitest.json')
  const status = run('vitest', 'vitest.mjs', [
    ...['run', '--reporter=default', '--reporter=json'],
    `--outputFile.json=${report}`,
  ])
  return readTally(report, status, (text) => {
    const { numPassedTests, numFailedTests } = JSON.parse(text) as Record<string, number>
    return { passed: numPassedTests ?? 0, failed: numFailedTests ?? 0 }
  })
}

function endToEndTests(): Tally {
  heading('end-to-end tests, on both hosts')
  const chromium = findOrInstallChromium()
  if (chromium === null) {
    console.log('There is no Chromium to run them in; CHROMIUM_PATH can name one')
    return { passed: 0, failed: 1 }
  }
  const report = path.join(reports, 'playwright.json')
  const status = run('@playwright/test', 'cli.js', ['test', '--reporter=list,json'], {
    CHROMIUM_PATH: chromium,
    PLAYWRIGHT_JSON_OUTPUT_FILE: report,
  })
  return readTally(report, status, (text) => {
    const { stats } = JSON.parse(text) as { stats: Record<string, number> }
    return { passed: (stats['expected'] ?? 0) + (stats['flaky'] ?? 0), failed: stats['unexpected'] ?? 0 }
  })
}

/** What a test runner reports; a run that failed without a failed test (or without a report) counts as one. */
function readTally(report: string, status: number, read: (text: string) => Tally): Tally {
  try {
    const tally = read(readFileSync(report, 'utf8'))
    return status !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally
  } catch {
    return { passed: 0, failed: 1 }
  }
}

function run(
  name: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): number {
  const file = path.join(path.dirname(require.resolve(`${name}/package.json`)), program)
  const { status } = spawnSync(process.execPath, [file, ...args], {
    cwd: rootFolder,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return status ?? 1
}

function heading(name: string): void {
  console.log(`\n— ${name}`)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
