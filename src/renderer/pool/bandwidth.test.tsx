import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { GB } from '../../contract/bytes.ts'
import { Bandwidth, bandwidthText } from './bandwidth.tsx'
import { poolOf, residentOf } from './testing-pool.ts'

const coder = residentOf('coder', 1, { name: 'Coder' })

test('says who reads how much, and the best that was measured', () => {
  const decoding = [{ modelId: 'coder', tokensPerSecond: 41.3, bytesPerSecond: 12.3 * GB }]
  const { pool } = poolOf([coder], {
    bandwidth: { bytesPerSecond: 12.3 * GB, decoding, bestBytesPerSecond: 20 * GB },
  })
  expect(bandwidthText(pool)).toBe('Reading 12.3 GB/s: Coder 41 tok/s')
  expect(renderToStaticMarkup(<Bandwidth pool={pool} />)).toContain('best measured 20.0 GB/s')
})

test('says nothing before anything was measured, and what is known while nobody writes', () => {
  const { pool } = poolOf([coder])
  expect(renderToStaticMarkup(<Bandwidth pool={pool} />)).toBe('')
  const known = { ...pool, bandwidth: { ...pool.bandwidth, bestBytesPerSecond: 20 * GB } }
  expect(renderToStaticMarkup(<Bandwidth pool={known} />)).toContain('nobody writes')
})
