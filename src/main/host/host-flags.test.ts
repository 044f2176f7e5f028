import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import { readHostFlags } from './host-flags.ts'

describe('readHostFlags', () => {
  it('reads sizes, the folder and the environment', () => {
    expect(
      readHostFlags(
        { 'data-dir': 'here', 'pool-size': '4GB', reserve: '512MB' },
        { PLENUM_DEVICE: 'cpu', PLENUM_THREADS: '1' },
      ),
    ).toEqual({
      dataFolder: path.resolve('here'),
      poolSizeBytes: 4 * GB,
      reserveBytes: 512 * MB,
      device: 'cpu',
      threads: 1,
    })
    expect(readHostFlags({}, {})).toEqual({})
  })

  it.each([
    [{ 'pool-size': '4 elephants' }, {}, '--pool-size "4 elephants" is no size; write it like 4GB or 512MB'],
    [{ 'pool-size': '0' }, {}, '--pool-size "0" is no size'],
    [{ 'pool-size': '' }, {}, '--pool-size needs a value'],
    [{ reserve: '-1GB' }, {}, '--reserve "-1GB" is no size'],
    [{ 'pool-size': '1GB', reserve: '1GB' }, {}, '--reserve "1GB" leaves nothing of --pool-size "1GB"'],
    [{ 'data-dir': true }, {}, '--data-dir needs a value'],
    [{}, { PLENUM_DEVICE: 'gpu' }, 'PLENUM_DEVICE "gpu" is neither'],
    [{}, { PLENUM_THREADS: 'many' }, 'PLENUM_THREADS "many" is no number'],
  ])('refuses %j %j', (values, env, message) => {
    expect(() => readHostFlags(values, env)).toThrow(message)
  })
})
