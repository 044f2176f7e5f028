import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import { headlessHelp, keptToken, parseCheckFlags, parseHeadlessFlags } from './flags.ts'

it('reads every flag', () => {
  const line =
    '--port 0 --host 0.0.0.0 --data-dir /d --models /m --pool-size 4GB --reserve 512MB --token some-token'
  expect(parseHeadlessFlags(line.split(' '), {})).toEqual({
    port: 0,
    host: '0.0.0.0',
    dataFolder: path.resolve('/d'),
    modelsFolder: path.resolve('/m'),
    poolSizeBytes: 4 * GB,
    reserveBytes: 512 * MB,
    token: { kind: 'given', token: 'some-token' },
  })
})

it('listens on loopback, on the usual port, with a token of its own', () => {
  expect(parseHeadlessFlags([], {})).toEqual({ port: null, host: '127.0.0.1', token: { kind: 'kept' } })
})

it.each([
  [['--prot', '1'], "Unknown option '--prot'; --help lists the flags"],
  [['models'], "Unexpected argument 'models'"],
  [['--port'], "Option '--port <value>' argument missing"],
  [['--port', 'http'], '--port "http" is no port'],
  [['--port', '70000'], '--port "70000" is no port'],
  [['--pool-size', 'big'], '--pool-size "big" is no size; write it like 4GB or 512MB'],
  [['--host', ''], '--host needs an address'],
  [['--token', 'short'], '--token must have at least 8'],
  [['--token', 'none', '--host', '0.0.0.0'], '--token none works on a loopback address only; "0.0.0.0" can'],
])('refuses %j', (args, message) => {
  expect(() => parseHeadlessFlags(args, {})).toThrow(message)
})

it('takes no token on a loopback address', () => {
  expect(parseHeadlessFlags(['--token', 'none', '--host', '::1'], {})).toMatchObject({
    token: { kind: 'none' },
  })
})

it('explains every flag that it knows', () => {
  const flags = [...headlessHelp.matchAll(/^ {2}--([a-z-]+)/gm)].map((match) => match[1])
  expect(flags.toSorted()).toEqual(
    ['port', 'host', 'data-dir', 'models', 'pool-size', 'reserve', 'token', 'help'].toSorted(),
  )
  expect(parseHeadlessFlags(['--help'], {})).toBeNull()
})

it('reads what is to be checked, and as which machine', () => {
  expect(parseCheckFlags('set.yaml --json --pool-size 4GB --reserve 512MB'.split(' '), {})).toEqual({
    ...{ file: path.resolve('set.yaml'), isJson: true, poolSizeBytes: 4 * GB, reserveBytes: 512 * MB },
  })
  expect(parseCheckFlags(['--help'], {})).toBeNull()
  expect(() => parseCheckFlags([], {})).toThrow('check takes one file, like "check pipeline.yaml"')
  expect(() => parseCheckFlags(['a.yaml', 'b.yaml'], {})).toThrow('check takes one file')
  expect(() => parseCheckFlags(['a.yaml', '--port', '1'], {})).toThrow("Unknown option '--port'")
})

it('keeps a token in the data folder, for this user only', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'plenum-token-'))
  try {
    const token = keptToken(folder)
    expect(token).toMatch(/^[\w-]{32}$/)
    expect(keptToken(folder)).toBe(token)
    if (process.platform !== 'win32') expect(statSync(path.join(folder, 'token')).mode & 0o777).toBe(0o600)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
