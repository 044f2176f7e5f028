import { expect, test } from 'vitest'
import type { ProcessUsage } from '../../contract/backend.ts'
import type { Footprint } from '../../contract/memory.ts'
import { draftMemory, measuredFootprint } from './measured-footprint.ts'

const unified = { host: 'unified', device: 'unified' } as const
const split = { host: 'ram', device: 'vram' } as const
const loaded: ProcessUsage = { privateBytes: 300, mappedBytes: 1000, deviceBytes: 0 }
const context = { kvBytes: 200, allocated: { hostBytes: 250, deviceBytes: 0 } }
const weights = { hostBytes: 1000, deviceBytes: 0 }

function short(footprint: Footprint): Record<string, number> {
  return Object.fromEntries(footprint.map(({ part, domain, bytes }) => [`${part} ${domain}`, bytes]))
}

test('grants what the backend has allocated, touched or not', () => {
  const latest = { ...loaded, privateBytes: 500 }
  const footprint = measuredFootprint({ weights, contexts: [context], loaded, latest }, unified)
  expect(short(footprint)).toEqual({
    'weights unified': 1000,
    'kvCache unified': 200,
    'compute unified': 50,
    'runtime unified': 300,
  })
  expect(footprint.find(({ part }) => part === 'kvCache')?.source).toBe('predicted')
})

test('adds up to what the process takes when that is more', () => {
  const latest = { privateBytes: 700, mappedBytes: 1010, deviceBytes: 0 }
  const footprint = measuredFootprint({ weights, contexts: [context, context], loaded, latest }, unified)
  expect(short(footprint)).toEqual({
    'weights unified': 1010,
    'kvCache unified': 400,
    'compute unified': 100,
    'runtime unified': 300,
  })
  const more = measuredFootprint({ weights, contexts: [context], loaded, latest }, unified)
  expect(more.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(700 + 1010)
})

test('counts weights that are in private memory once', () => {
  const usage = { privateBytes: 900, mappedBytes: 400, deviceBytes: 0 }
  const footprint = measuredFootprint({ weights, contexts: [], loaded: usage, latest: usage }, unified)
  expect(short(footprint)).toEqual({ 'weights unified': 1000, 'runtime unified': 300 })
})

test('puts what is on a card into its domain', () => {
  const usage = { privateBytes: 300, mappedBytes: 250, deviceBytes: 0 }
  const memory = {
    weights: { hostBytes: 250, deviceBytes: 750 },
    contexts: [{ kvBytes: 200, allocated: { hostBytes: 80, deviceBytes: 220 } }],
    loaded: usage,
    latest: { ...usage, deviceBytes: 970 },
  }
  expect(short(measuredFootprint(memory, split))).toEqual({
    'weights ram': 250,
    'weights vram': 750,
    'kvCache vram': 200,
    'compute ram': 80,
    'compute vram': 20,
    'runtime ram': 300,
  })
})

test('a draft model is a part of its own: its weights, its context and what its tokenizer took', () => {
  const after = { privateBytes: 390, mappedBytes: 1100, deviceBytes: 0 }
  const own = { weights: { hostBytes: 100, deviceBytes: 0 }, context: { hostBytes: 70, deviceBytes: 5 } }
  const draft = draftMemory(own, { before: loaded, after })
  expect(draft.all).toEqual({ hostBytes: 100 + 70 + 20, deviceBytes: 5 })
  // Weights that were copied are private, and counted once.
  const copied = { privateBytes: 490, mappedBytes: 1000, deviceBytes: 0 }
  expect(draftMemory(own, { before: loaded, after: copied }).all).toEqual(draft.all)
  for (const latest of [after, copied]) {
    const footprint = measuredFootprint({ weights, contexts: [], loaded, latest, draft }, unified)
    expect(short(footprint)).toEqual({
      'weights unified': 1000,
      'draft unified': 195,
      'runtime unified': 300,
    })
  }
})

test('grants a context that is still to be made on top of everything that the process holds', () => {
  const latest = { privateBytes: 900, mappedBytes: 1000, deviceBytes: 0 }
  const sumOf = (contexts: Parameters<typeof measuredFootprint>[0]['contexts']) =>
    measuredFootprint({ weights, contexts, loaded, latest }, unified).reduce(
      (sum, { bytes }) => sum + bytes,
      0,
    )
  expect(sumOf([context])).toBe(900 + 1000)
  expect(sumOf([context, { ...context, isProspect: true }])).toBe(900 + 1000 + 250)
})
