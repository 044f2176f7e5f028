/**
 * How long pool planning takes with 64 residents and a library of 1,000 models: `node bench/planning.ts`.
 * Medians of `rounds` rounds after a warm-up. The target is 1 ms for planning.
 */
import { GB } from '../src/contract/bytes.ts'
import type { ModelFacts } from '../src/contract/model.ts'
import type { Clock } from '../src/main/core/clock.ts'
import { createReliefPlanner, planRelief, type ReliefCandidate } from '../src/main/core/relief.ts'
import { bytesByDomain } from '../src/main/core/domain-bytes.ts'
import { predictFootprint, withAdmissionMargin } from '../src/main/core/footprint.ts'
import { Ledger } from '../src/main/core/ledger.ts'
import { Residency } from '../src/main/core/residency.ts'

const residentCount = 64
const libraryCount = 1000
const rounds = 31
const warmUpRounds = 50
const poolBytes = 128 * GB

/** The same numbers on every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

const random = createRandom(42)

function makeFacts(index: number, weightBytes: number): ModelFacts {
  const layers = 16 + (index % 64)
  return {
    ...{ architecture: 'llama', title: null, quantization: 'Q4_K_M', tensorTypes: [], weightBytes, layers },
    parameters: weightBytes * 2,
    embeddingLength: 1024 * (1 + (index % 8)),
    feedForwardLength: 4096 * (1 + (index % 7)),
    headCount: 32,
    vocabularySize: index % 3 === 0 ? 151_936 : 32_000,
    trainContextTokens: 131_072,
    kvLayerGroups: [
      { layers: layers - 4, kvHeads: 8, keyLength: 128, valueLength: 128, windowTokens: null },
      { layers: 4, kvHeads: 8, keyLength: 128, valueLength: 128, windowTokens: 1024 },
    ],
    ...{
      recurrentStateBytes: 0,
      kvBytesPerToken: layers * 4096,
      experts: null,
      hasChatTemplate: true,
      recommendedSampling: {},
    },
    ...{ inputBytes: 0, outputBytes: 0, mergeCount: 0, dryRuns: [] },
    ...{ license: null, author: null, description: null },
  }
}

/** Residents of about 1 GB, most of them idle; library models from 1 to 100 GB, so that some fit, most evict and some are refused. */
const library = new Map<string, ModelFacts>()
for (let index = 0; index < residentCount; index++)
  library.set(`resident-${index}`, makeFacts(index, 0.5 * GB))
for (let index = 0; index < libraryCount; index++) {
  library.set(`library-${index}`, makeFacts(index, Math.round((0.5 + random() ** 3 * 130) * GB)))
}

const clock: Clock = { now: () => Date.now(), setTimer: () => ({ [Symbol.dispose]: () => undefined }) }
const ledger = new Ledger([
  { id: 'unified', name: 'Unified memory', totalBytes: poolBytes, reserveBytes: 8 * GB },
])
const residency = new Residency({
  ...{ ledger, clock, policy: 'cost' },
  effects: {
    load: async (_modelId, { footprint }) => ({ footprint, processId: null }),
    unload: async () => undefined,
    unloadLimitMs: () => 10_000,
    usedTokens: () => 1000,
    idleKv: () => [],
    relieve: async () => 0,
  },
  describe(modelId) {
    const facts = library.get(modelId)
    if (!facts) throw new Error(`There is no model "${modelId}"`)
    return {
      ...{ name: modelId, pinned: modelId.endsWith('7'), weightBytes: facts.weightBytes },
      settle: (options) => options,
      startContextTokens: (options) => options.contextTokens ?? 4096,
      contextTokens: (options) => options.contextTokens ?? 4096,
      footprint: (options) => predictFootprint(facts, { contextTokens: options.contextTokens ?? 4096 }),
    }
  },
})
for (let index = 0; index < residentCount; index++) {
  const lease = await residency.acquire(`resident-${index}`)
  if (index % 8 !== 0) lease[Symbol.dispose]()
}

const candidates: ReliefCandidate[] = residency
  .states()
  .map(({ modelId, state, pinned, leases, footprint }) => ({
    ...{
      modelId,
      state,
      pinned,
      leases,
      bytes: bytesByDomain(footprint),
      loadBytesPerSecond: null,
      prefillTokensPerSecond: null,
      idleKv: [],
    },
    ...{
      weightBytes: 0.5 * GB,
      usedTokens: Math.round(random() * 4000),
      accesses: 1 + Math.round(random() * 9),
    },
    lastUsedAt: Date.now() - Math.round(random() * 3_600_000),
  }))
const freeBytes = ledger.room()
const entries = [...library].filter(([modelId]) => modelId.startsWith('library-'))
const requests = entries.map(([modelId]) => ({ modelId }))
const needs = entries.map(([, facts]) =>
  bytesByDomain(withAdmissionMargin(predictFootprint(facts, { contextTokens: 4096 }))),
)
const large = { unified: (freeBytes.unified ?? 0) + 20 * GB }
const now = Date.now()

const verdicts = Map.groupBy(residency.previews(requests), ({ verdict }) => verdict.kind)
const mix = [...verdicts].map(([kind, previews]) => `${previews.length} ${kind}`).join(', ')
console.log(`${candidates.length} residents, ${requests.length} library models: ${mix}`)

report('one eviction plan', () =>
  planRelief({ candidates, neededBytes: large, freeBytes, policy: 'cost', now }),
)
report('eviction plans for the whole library', () => {
  const plan = createReliefPlanner({ candidates, policy: 'cost', now })
  for (const neededBytes of needs) plan({ neededBytes, freeBytes })
})
report('one preview of a model that evicts', () =>
  residency.preview(verdicts.get('evicts')?.[0]?.modelId ?? ''),
)
report('one preview of a model that is refused', () =>
  residency.preview(verdicts.get('refused')?.[0]?.modelId ?? ''),
)
report('previews of the whole library, predictions, names and advice included', () =>
  residency.previews(requests),
)

function report(name: string, run: () => unknown): void {
  for (let round = 0; round < warmUpRounds; round++) run()
  const times = Array.from({ length: rounds }, () => {
    const start = performance.now()
    run()
    return performance.now() - start
  }).sort((a, b) => a - b)
  console.log(`${(times[Math.floor(rounds / 2)] ?? 0).toFixed(3)} ms  ${name} (median of ${rounds})`)
}
