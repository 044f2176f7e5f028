import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GB, MB } from '../../contract/bytes.ts'
import type { DomainId, Footprint, FootprintPartName } from '../../contract/memory.ts'
import { Ledger } from './ledger.ts'

function ledgerOf(totalBytes: number, reserveBytes = 0): Ledger {
  return new Ledger([{ id: 'unified', name: 'Unified memory', totalBytes, reserveBytes }])
}

function weights(bytes: number, domain: DomainId = 'unified'): Footprint {
  return [{ part: 'weights', domain, bytes, source: 'predicted' }]
}

test('shares out total less reserve, to the byte', () => {
  const ledger = ledgerOf(1000, 100)
  expect(ledger.reserve('a', weights(600))).toBe(true)
  expect(ledger.reserve('b', weights(301))).toBe(false)
  expect(ledger.reserve('b', weights(300))).toBe(true)
  expect(ledger.domains()).toEqual([
    {
      ...{ id: 'unified', name: 'Unified memory', totalBytes: 1000, reserveBytes: 100 },
      ...{ otherBytes: 0, usedBytes: 900, freeBytes: 0 },
    },
  ])
  ledger.release('a')
  ledger.release('a')
  expect(ledger.domains()[0]?.freeBytes).toBe(600)
})

test('changes nothing when a reservation or a growth does not fit', () => {
  const ledger = ledgerOf(1000)
  ledger.reserve('a', weights(600))
  const before = ledger.domains()
  expect(ledger.reserve('b', weights(401))).toBe(false)
  expect(ledger.resize('a', weights(1001))).toBe(false)
  expect(ledger.resize('nobody', weights(1))).toBe(false)
  expect(ledger.domains()).toEqual(before)
  expect(ledger.footprintOf('a')).toEqual(weights(600))
})

test('lets a reservation shrink even where other programs have taken more than was left', () => {
  const ledger = ledgerOf(1000)
  ledger.reserve('a', weights(600))
  ledger.setOther('unified', 700)
  expect(ledger.domains()[0]).toMatchObject({ otherBytes: 400, usedBytes: 600, freeBytes: 0 })
  expect(ledger.room()).toEqual({ unified: -300 })
  expect(ledger.resize('a', weights(599))).toBe(true)
  expect(ledger.resize('a', weights(600))).toBe(false)
})

test('wants room in every domain', () => {
  const ledger = new Ledger([
    { id: 'vram', name: 'NVIDIA RTX 4090', totalBytes: 24 * GB, reserveBytes: 0 },
    { id: 'ram', name: 'Main memory', totalBytes: 64 * GB, reserveBytes: 0 },
  ])
  expect(ledger.reserve('a', [...weights(20 * GB, 'vram'), ...weights(65 * GB, 'ram')])).toBe(false)
  expect(ledger.reserve('a', [...weights(20 * GB, 'vram'), ...weights(64 * GB, 'ram')])).toBe(true)
  expect(ledger.room()).toEqual({ vram: 4 * GB, ram: 0 })
})

test('counts a fraction of a byte as a byte, so that sums stay exact', () => {
  const ledger = ledgerOf(10)
  expect(ledger.reserve('a', [...weights(0.1), ...weights(0.2)])).toBe(true)
  expect(ledger.domains()[0]?.usedBytes).toBe(2)
})

test.each([-1, NaN, Infinity, 2 ** 53])('refuses to account for %s bytes', (bytes) => {
  const ledger = ledgerOf(1000)
  expect(() => ledger.reserve('a', weights(bytes))).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  expect(ledger.modelIds()).toEqual([])
})

test('refuses a second reservation and a domain that is not in the pool', () => {
  const ledger = ledgerOf(1000)
  ledger.reserve('a', weights(1))
  expect(() => ledger.reserve('a', weights(1))).toThrow('it has a reservation')
  expect(() => ledger.reserve('b', weights(1, 'vram'))).toThrow('no such domain')
  expect(() => ledger.resize('a', weights(1, 'vram'))).toThrow('no such domain')
  expect(ledger.footprintOf('a')).toEqual(weights(1))
})

test('takes a new capacity only when the reservations are within it', () => {
  const ledger = ledgerOf(1000)
  ledger.reserve('a', weights(600))
  expect(ledger.setCapacity({ id: 'unified', name: 'Pool', totalBytes: 700, reserveBytes: 101 })).toBe(false)
  expect(ledger.domains()[0]).toMatchObject({ totalBytes: 1000, reserveBytes: 0 })
  expect(ledger.setCapacity({ id: 'unified', name: 'Pool', totalBytes: 700, reserveBytes: 100 })).toBe(true)
  expect(ledger.domains()[0]).toMatchObject({ name: 'Pool', totalBytes: 700, freeBytes: 0 })
})

test('never has more reserve than there is', () => {
  expect(ledgerOf(100, 500).domains()[0]).toMatchObject({ totalBytes: 100, reserveBytes: 100, freeBytes: 0 })
})

const domainIds = ['vram', 'ram'] as const
const modelIds = ['a', 'b', 'c', 'd'] as const
const bytes = fc.oneof(
  fc.nat(400),
  fc.nat(1200),
  fc.integer({ min: 0, max: 4 }).map((n) => n * MB),
)
const footprint = fc.array(
  fc.record({
    part: fc.constantFrom<FootprintPartName>('weights', 'kvCache', 'compute', 'draft', 'runtime'),
    domain: fc.constantFrom(...domainIds),
    bytes,
    source: fc.constantFrom('predicted', 'measured'),
  }),
  { maxLength: 4 },
)
const modelId = fc.constantFrom(...modelIds)
const step = fc.oneof(
  fc.record({ do: fc.constant('reserve'), modelId, footprint }),
  fc.record({ do: fc.constant('resize'), modelId, footprint }),
  fc.record({ do: fc.constant('release'), modelId }),
  fc.record({ do: fc.constant('other'), domain: fc.constantFrom(...domainIds), bytes }),
  fc.record({
    do: fc.constant('capacity'),
    domain: fc.constantFrom(...domainIds),
    total: bytes,
    reserve: bytes,
  }),
)

test('over 10,000 random sequences never exceeds capacity, never goes negative, and always adds up', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const ledger = new Ledger(
        domainIds.map((id) => ({ id, name: id, totalBytes: 1000, reserveBytes: 100 })),
      )
      const other = new Map<DomainId, number>()
      for (const action of steps) {
        const before = new Map(ledger.domains().map((domain) => [domain.id, domain]))
        const reservedBefore = ledger.modelIds()
        const wasGranted = perform(ledger, other, action)
        for (const domain of ledger.domains()) {
          const { id, totalBytes, reserveBytes, otherBytes, usedBytes, freeBytes } = domain
          const reserved = ledger
            .modelIds()
            .flatMap((model) => ledger.footprintOf(model))
            .filter((part) => part.domain === id)
            .reduce((sum, part) => sum + part.bytes, 0)
          const numbers = [totalBytes, reserveBytes, otherBytes, usedBytes, freeBytes]
          const usedBefore = before.get(id)?.usedBytes ?? 0
          const hasGrown = usedBytes > usedBefore
          if (
            numbers.some((number) => !Number.isSafeInteger(number) || number < 0) ||
            reserveBytes + otherBytes + usedBytes + freeBytes !== totalBytes ||
            usedBytes !== reserved ||
            usedBytes > totalBytes - reserveBytes ||
            (hasGrown && usedBytes + (other.get(id) ?? 0) > totalBytes - reserveBytes) ||
            (!wasGranted && usedBytes !== usedBefore)
          ) {
            throw new Error(JSON.stringify({ action, domain, reserved, before: before.get(id) }))
          }
        }
        if (!wasGranted) expect(ledger.modelIds()).toEqual(reservedBefore)
      }
      for (const model of ledger.modelIds()) ledger.release(model)
      expect(ledger.domains().map(({ usedBytes }) => usedBytes)).toEqual([0, 0])
    }),
    { numRuns: 10_000 },
  )
})

function perform(
  ledger: Ledger,
  other: Map<DomainId, number>,
  action: typeof step extends fc.Arbitrary<infer T> ? T : never,
) {
  switch (action.do) {
    case 'reserve':
      return !ledger.footprintOf(action.modelId).length && !ledger.modelIds().includes(action.modelId)
        ? ledger.reserve(action.modelId, action.footprint)
        : false
    case 'resize':
      return ledger.resize(action.modelId, action.footprint)
    case 'release':
      ledger.release(action.modelId)
      return true
    case 'other':
      other.set(action.domain, action.bytes)
      ledger.setOther(action.domain, action.bytes)
      return true
    case 'capacity':
      return ledger.setCapacity({
        id: action.domain,
        name: action.domain,
        totalBytes: action.total,
        reserveBytes: action.reserve,
      })
  }
}
