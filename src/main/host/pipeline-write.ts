import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Document } from 'yaml'
import { GB } from '../../contract/bytes.ts'
import { definedOf } from '../../contract/defined.ts'
import type { PoolSnapshot } from '../../contract/memory.ts'
import type { LibraryModel } from '../../contract/model.ts'
import {
  plainLoadOptions,
  reservedDrafts,
  type PipelineFile,
  type PipelineModel,
} from '../../contract/pipeline.ts'
import type { Settings } from '../../contract/settings.ts'
import { snakeShape } from '../../contract/snake-case.ts'

/** What is written down of a set. */
export type WrittenSet = {
  readonly snapshot: PoolSnapshot
  /** Of those in memory, in the order in which they are to be. */
  readonly models: readonly LibraryModel[]
  readonly settings: Settings
  /** The published JSON Schema, for editors. */
  readonly schemaFile: string
}

/** The text of a pipeline file that brings a set back as it is. */
export function writePipeline(set: WrittenSet): string {
  const document = new Document(describeSet(set))
  document.commentBefore = [
    ` yaml-language-server: $schema=${pathToFileURL(set.schemaFile).href}`,
    ' A set of models for Plenum. "npm run headless -- check FILE" says what it comes to.',
  ].join('\n')
  return document.toString({ lineWidth: 0 })
}

function describeSet({ snapshot, models, settings }: WrittenSet): PipelineFile {
  const ids = fileIds(models)
  const [main] = snapshot.domains
  const { poolSizeBytes, reserveBytes, evictionPolicy, routerId, routerLimitMs, verifierId, repairerId } =
    settings
  const router = routerId === null ? undefined : ids.get(routerId)
  const verifier = verifierId === null ? undefined : ids.get(verifierId)
  const repairer = repairerId === null ? undefined : ids.get(repairerId)
  return definedOf({
    memory: definedOf({
      pool_type: snapshot.kind,
      // What the machine has goes without saying: the file may be for another one.
      total_gb: poolSizeBytes === null || !main ? undefined : inGb(main.totalBytes),
      reserve_gb: reserveBytes === null || !main ? undefined : inGb(main.reserveBytes),
      eviction_policy: evictionPolicy,
    }),
    models: models.map((model) => describeModel(model, { snapshot, ids })),
    router: router === undefined ? undefined : { model: router, time_limit_ms: routerLimitMs },
    runtime: runtimeOf(settings),
    verifier: verifier === undefined ? undefined : definedOf({ model: verifier, repair_by: repairer }),
  }) as PipelineFile // All that is needed is there: only what may be absent is.
}

/** What of the settings differs from what a file stands for that says nothing. */
function runtimeOf({ speculativeDecoding, earlyStopping }: Settings): PipelineFile['runtime'] {
  if (speculativeDecoding === 'auto' && earlyStopping) return undefined
  return {
    ...(speculativeDecoding === 'off' && { speculative_decoding: false }),
    ...(!earlyStopping && { early_stopping: false }),
  }
}

function describeModel(
  { name, paths, file, loadOptions, pinned, sampling, role, id: modelId }: LibraryModel,
  { snapshot, ids }: { readonly snapshot: PoolSnapshot; readonly ids: ReadonlyMap<string, string> },
): PipelineModel {
  const resident = snapshot.residents.find((each) => each.modelId === modelId)
  const bytes = resident?.footprint.reduce((sum, part) => sum + part.bytes, 0) ?? 0
  const { contextTokens, kvBudgetBytes, bandwidthThrottle, draft, ...plain } = loadOptions
  const known = Object.fromEntries(
    Object.entries(plain).filter(([key]) => Object.hasOwn(plainLoadOptions, key)),
  )
  return definedOf({
    id: ids.get(modelId) ?? modelId,
    path: paths[0] ?? '',
    name,
    quantization:
      file.kind === 'usable' && /^\w{2,24}$/.test(file.facts.quantization)
        ? file.facts.quantization.toLowerCase()
        : undefined,
    max_context: contextTokens,
    // So that it can be planned where the file is not.
    estimated_footprint_gb: bytes > 0 ? Math.max(0.001, inGb(bytes)) : undefined,
    bandwidth_throttle: bandwidthThrottle,
    kv_cache_budget_gb: kvBudgetBytes === undefined ? undefined : kvBudgetBytes / GB,
    ...snakeShape(known),
    // A draft that is not in memory by itself has no place in the set: what is best is found out anew.
    draft: draft?.startsWith('model:') === true ? ids.get(draft.slice('model:'.length)) : draft,
    pinned: pinned ? true : undefined,
    role: role && {
      ...(role.labels.length > 0 && { labels: role.labels.map((label) => definedOf(label)) }),
      ...(role.routes && { routes: true }),
      ...(role.verifies && { verifies: true }),
    },
    sampling: sampling && Object.keys(sampling).length > 0 ? snakeShape(sampling) : undefined,
  }) as PipelineModel // As above.
}

/** The library's ids, as a file may have them. */
function fileIds(models: readonly LibraryModel[]): Map<string, string> {
  const ids = new Map<string, string>()
  for (const { id } of models) {
    const plain =
      id
        .replaceAll(/[^A-Za-z0-9._-]/g, '-')
        .replace(/^[^A-Za-z0-9]+/, '')
        .slice(0, 72) || 'model'
    const taken = new Set(ids.values())
    let free = reservedDrafts.some((word) => word === plain) ? `${plain}-model` : plain
    for (let number = 2; taken.has(free); number++) free = `${plain}-${number}`
    ids.set(id, free)
  }
  return ids
}

/** Rounded down, so that a pool is never larger than the machine. */
function inGb(bytes: number): number {
  return Math.floor((bytes / GB) * 1000) / 1000
}

/** Where the schema lies beside the demo models, in the repository as in a package. */
export function schemaFileBeside(demoFolder: string, name: string): string {
  return path.join(path.dirname(demoFolder), name)
}
