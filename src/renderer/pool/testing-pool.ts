import { GB } from '../../contract/bytes.ts'
import type {
  Domain,
  DomainId,
  Footprint,
  FootprintPartName,
  PoolEvent,
  PoolSnapshot,
  Resident,
  ResidentContext,
} from '../../contract/memory.ts'

/** A resident of a test: ready, three quarters weights and one quarter KV cache, unless said otherwise. */
export function residentOf(modelId: string, gigabytes: number, changes: Partial<Resident> = {}): Resident {
  return {
    modelId,
    name: modelId,
    state: 'ready',
    pinned: false,
    leases: 0,
    footprint: [
      { part: 'weights', domain: 'unified', bytes: 0.75 * gigabytes * GB, source: 'measured' },
      { part: 'kvCache', domain: 'unified', bytes: 0.25 * gigabytes * GB, source: 'measured' },
    ],
    predicted: [],
    measured: [],
    predictionError: null,
    loadedWith: null,
    warnings: [],
    contexts: [],
    contextTokens: 1000,
    usedTokens: 100,
    kvBytesPerToken: 1024,
    kvBudgetBytes: GB,
    contextLimitTokens: 1000,
    processId: 1,
    loadedBytes: null,
    waitingFor: null,
    problem: null,
    loadedAt: 0,
    lastUsedAt: 0,
    ...changes,
  }
}

/** A context of a test: idle, of conversation "c". */
export function contextOf(changes: Partial<ResidentContext> = {}): ResidentContext {
  return {
    id: 'context 1',
    conversationId: 'c',
    contextTokens: 4096,
    usedTokens: 1024,
    kvBytes: GB / 4,
    isBusy: false,
    isParked: false,
    ...changes,
  }
}

/** An event of a test. */
export function eventOf(kind: PoolEvent['kind'], changes: Partial<PoolEvent> = {}): PoolEvent {
  return { id: 1, at: 0, kind, modelId: 'a', name: 'a', text: '', freedBytes: null, tookMs: null, ...changes }
}

/** One number of GB for each part, in one domain. */
export function footprintOf(
  gigabytes: Partial<Record<Footprint[number]['part'], number>>,
  { domain = 'unified', source }: { domain?: DomainId; source: Footprint[number]['source'] },
): Footprint {
  return (['weights', 'kvCache', 'compute', 'draft', 'runtime'] as const).flatMap((part) => {
    const size = gigabytes[part]
    return size === undefined ? [] : [{ part, domain, bytes: size * GB, source }]
  })
}

/**
 * What a host told that ran the demo models on a software Vulkan device (llvmpipe, 2 GiB) beside 23.5 GB of main memory: recorded, with
 * what is the same in all pools left out.
 */
export function recordedSplitPool(): PoolSnapshot {
  const recorded = (
    name: string,
    parts: Readonly<Record<'ram' | 'vram', readonly (readonly [part: FootprintPartName, bytes: number])[]>>,
  ) => {
    const footprint = (['ram', 'vram'] as const).flatMap((domain) =>
      parts[domain].map(([part, bytes]) => ({
        part,
        domain,
        bytes,
        source: part === 'kvCache' ? ('predicted' as const) : ('measured' as const),
      })),
    )
    return residentOf(name, 0, {
      footprint,
      measured: footprint,
      kvBytesPerToken: 1280,
      contextTokens: 1024,
      usedTokens: 29,
    })
  }
  const contextInVram = [
    ['kvCache', 1_310_720],
    ['compute', 15_736_832],
  ] as const
  return poolOf(
    [
      recorded('Coder', {
        ram: [
          ['weights', 401_408],
          ['compute', 3_156_000],
          ['runtime', 88_623_072],
        ],
        vram: [['weights', 4_333_824], ...contextInVram],
      }),
      recorded('Guide', {
        ram: [
          ['weights', 401_408],
          ['compute', 3_156_000],
          ['runtime', 116_955_104],
        ],
        vram: [['weights', 4_333_824], ...contextInVram],
      }),
      recorded('Judge', {
        ram: [
          ['weights', 217_088],
          ['compute', 3_156_000],
          ['runtime', 85_096_416],
        ],
        vram: [['weights', 2_306_304], ...contextInVram],
      }),
    ],
    {
      kind: 'split',
      machine: { name: 'AMD EPYC', totalBytes: 25_276_510_208, otherBytes: 1_988_710_400 },
      device: 'Vulkan: llvmpipe (LLVM 15.0.6, 256 bits)',
      domains: [
        {
          ...{ id: 'vram', name: 'Vulkan: llvmpipe (LLVM 15.0.6, 256 bits)', totalBytes: 2_147_483_648 },
          ...{ reserveBytes: 536_870_912, otherBytes: 0, usedBytes: 62_116_608, freeBytes: 1_548_496_128 },
        },
        {
          ...{ id: 'ram', name: 'Main memory', totalBytes: 25_276_510_208, reserveBytes: 1_579_781_888 },
          ...{ otherBytes: 1_988_710_400, usedBytes: 301_162_496, freeBytes: 21_406_855_424 },
        },
      ],
    },
  ).pool
}

/** A snapshot of a test with one domain, 1 GB of it in reserve and 2 GB held by other programs. */
export function poolOf(
  residents: readonly Resident[],
  changes: { readonly totalBytes?: number } & Partial<PoolSnapshot> = {},
): { readonly pool: PoolSnapshot; readonly domain: Domain } {
  const { totalBytes = 24 * GB, ...more } = changes
  const usedBytes = residents.flatMap(({ footprint }) => footprint).reduce((sum, { bytes }) => sum + bytes, 0)
  const domain: Domain = {
    id: 'unified',
    name: 'Unified memory',
    totalBytes,
    reserveBytes: GB,
    otherBytes: 2 * GB,
    usedBytes,
    freeBytes: totalBytes - usedBytes - 3 * GB,
  }
  const pool: PoolSnapshot = {
    kind: 'unified',
    machine: { name: 'Machine', totalBytes: 24 * GB, otherBytes: 2 * GB },
    device: 'CPU',
    domains: [domain],
    residents: [...residents],
    lastResidents: [],
    kv: { reservedBytes: 0, unusedBytes: 0, strandedBytes: 0, reclaimableBytes: 0 },
    bandwidth: { bytesPerSecond: 0, decoding: [], bestBytesPerSecond: null },
    isUnderPressure: false,
    pressureShare: 0.85,
    thrash: null,
    counters: { loads: 0, unloads: 0, evictions: 0, refusals: 0, crashes: 0, reliefs: 0 },
    events: [],
    ...more,
  }
  return { pool, domain }
}
