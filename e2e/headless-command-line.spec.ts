import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, readyUrl, test } from './app.ts'

const root = path.join(import.meta.dirname, '..')

const place = { folder: '' }
test.beforeEach(async () => {
  place.folder = await mkdtemp(path.join(tmpdir(), 'plenum-e2e-cli-'))
})
test.afterEach(async () => {
  await rm(place.folder, { recursive: true, force: true, maxRetries: 5 })
})

for (const [flags, message] of [
  [['--prot', '1'], "Unknown option '--prot'; --help lists the flags"],
  [['--pool-size', 'big'], '--pool-size "big" is no size; write it like 4GB or 512MB'],
  [['--token', 'none', '--host', '0.0.0.0'], '--token none works on a loopback address only'],
  [['--host', '192.0.2.1'], 'Cannot listen on 192.0.2.1:4780: this machine has no such address'],
] as const) {
  test(`${flags.join(' ')} is refused in one line`, async () => {
    const { code, stderr } = await runHeadless([...flags, '--data-dir', path.join(place.folder, 'data')])
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr.trim().split('\n')).toHaveLength(1)
  })
}

test('a data folder that cannot be made is refused', async () => {
  const file = path.join(place.folder, 'file')
  await writeFile(file, '')
  const { code, stderr } = await runHeadless(['--data-dir', path.join(file, 'data')])
  expect(code).toBe(1)
  expect(stderr).toContain('Cannot use the data folder')
})

test('a port that is taken is refused', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const port = String((other.address() as AddressInfo).port)
  const { code, stderr } = await runHeadless(['--port', port, '--data-dir', path.join(place.folder, 'data')])
  other.close()
  expect(code).toBe(1)
  expect(stderr).toContain(`Cannot listen on 127.0.0.1:${port}: another program uses it`)
})

test('--help explains the flags', async () => {
  const { code, stdout } = await runHeadless(['--help'])
  expect(code).toBe(0)
  for (const flag of ['--port', '--host', '--data-dir', '--models', '--pool-size', '--reserve', '--token']) {
    expect(stdout).toContain(flag)
  }
})

test('check tells what a pipeline file comes to, and ends with 1 where it is wrong or does not fit', async () => {
  const sample = path.join(root, 'resources', 'pipelines', 'unified-ai-pipeline.yaml')
  const good = await runHeadless(['check', sample])
  expect(good.code).toBe(0)
  expect(good.stdout).toContain('unified-ai-pipeline.yaml: fits into memory together')
  expect(good.stdout).toContain('69.0 GB of 120 GB (128 GB less 8.00 GB of reserve); 51.0 GB to spare')
  expect(good.stdout).toMatch(/answer +orchestrator-70b +1,000 +250 +about \d.* up to 6\.7 +stays in memory/)
  expect(good.stdout).toContain('unified-ai-pipeline.yaml:10:5: warning: "orchestrator-70b" has no file at')

  const text = await readFile(sample, 'utf8')
  const file = path.join(place.folder, 'wrong.yaml')
  await writeFile(file, text.replace('max_context: 2048', 'max_contxt: 2048'))
  const wrong = await runHeadless(['check', file])
  expect(wrong.code).toBe(1)
  expect(wrong.stdout).toContain('wrong.yaml:18:5: error: "max_contxt" is no key of models[1]')
  expect(wrong.stdout).toContain('  help: Did you mean "max_context"?')

  await writeFile(file, text.replace('total_gb: 128', 'total_gb: 64'))
  const small = await runHeadless(['check', file, '--json'])
  expect(small.code).toBe(1)
  const report = JSON.parse(small.stdout) as { plan: { fits: string; reloadsPerTurn: number } }
  expect(report.plan).toMatchObject({ fits: 'inTurns', reloadsPerTurn: 2 })

  const none = await runHeadless(['check', path.join(place.folder, 'none.yaml')])
  expect(none.code).toBe(1)
  expect(none.stderr).toContain('there is no such file')
})

test('npm start falls back to the headless host where the desktop app cannot run', async () => {
  test.skip(process.platform !== 'linux', 'only Linux runs without a display')
  const env = { ...process.env, DISPLAY: '', WAYLAND_DISPLAY: '', HOME: place.folder }
  Reflect.deleteProperty(env, 'ELECTRON_OVERRIDE_DIST_PATH')
  const start = spawn(
    process.execPath,
    [
      path.join(root, 'scripts', 'run.js'),
      'start',
      '--port',
      '0',
      '--token',
      'none',
      '--data-dir',
      place.folder,
    ],
    { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines: string[] = []
  start.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  const url = await readyUrl(start)
  expect(lines.join('')).toContain('starting the headless host instead')
  expect((await fetch(`${url.origin}/api/pool`)).status).toBe(200)
  start.kill('SIGTERM')
  await once(start, 'exit')
})

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

async function runHeadless(flags: readonly string[]): Promise<Ended> {
  const program = path.join(root, 'out', 'main', 'headless.js')
  const env = { ...process.env, PLENUM_DEVICE: 'cpu' }
  const host: ChildProcess = spawn(process.execPath, ['--no-warnings', program, ...flags], { env })
  const texts = { stdout: '', stderr: '' }
  host.stdout?.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text))
  host.stderr?.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text))
  const [code] = (await once(host, 'close')) as [number | null]
  return { code, ...texts }
}
