import type { DomainId, Footprint } from '../../contract/memory.ts'

/** Bytes in each memory domain; a domain that is absent has none. */
export type DomainBytes = Readonly<Partial<Record<DomainId, number>>>

/** All domains there can be, in the order they are shown. */
export const domainIds: readonly DomainId[] = ['unified', 'ram', 'vram']

/** The bytes of a footprint in each domain. */
export function bytesByDomain(footprint: Footprint): DomainBytes {
  const bytes: Partial<Record<DomainId, number>> = {}
  for (const part of footprint) bytes[part.domain] = (bytes[part.domain] ?? 0) + part.bytes
  return bytes
}

/** The bytes of a footprint over all domains. */
export function footprintBytes(footprint: Footprint): number {
  let bytes = 0
  for (const part of footprint) bytes += part.bytes
  return bytes
}

/** Bytes over all domains. */
export function sumOfDomains(bytes: DomainBytes): number {
  return (bytes.unified ?? 0) + (bytes.ram ?? 0) + (bytes.vram ?? 0)
}

/** Domain by domain `left + right`. */
export function addBytes(left: DomainBytes, right: DomainBytes): DomainBytes {
  return combine(left, right, (a, b) => a + b)
}

/** Domain by domain `left − right`. */
export function subtractBytes(left: DomainBytes, right: DomainBytes): DomainBytes {
  return combine(left, right, (a, b) => a - b)
}

function combine(left: DomainBytes, right: DomainBytes, by: (a: number, b: number) => number): DomainBytes {
  const bytes: Partial<Record<DomainId, number>> = {}
  for (const id of domainIds) {
    if (left[id] !== undefined || right[id] !== undefined) bytes[id] = by(left[id] ?? 0, right[id] ?? 0)
  }
  return bytes
}
