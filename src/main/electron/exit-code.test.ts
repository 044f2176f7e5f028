import { expect, it } from 'vitest'
import { readExitCode } from './exit-code.ts'

it.each([
  [0, 'linux', { code: 0, signal: null }],
  [1, 'linux', { code: 1, signal: null }],
  [9, 'linux', { code: null, signal: 'SIGKILL' }],
  [6 + 128, 'linux', { code: null, signal: 'SIGABRT' }],
  [11 + 128, 'darwin', { code: null, signal: 'SIGSEGV' }],
  [9, 'win32', { code: 9, signal: null }],
  [0xc0000005, 'win32', { code: 0xc0000005, signal: null }],
] as const)('reads %i on %s', (code, platform, exit) => {
  expect(readExitCode(code, platform)).toEqual(exit)
})
