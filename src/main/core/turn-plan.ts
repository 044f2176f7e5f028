import type { TurnPlan } from '../../contract/memory.ts'
import { addBytes, subtractBytes, sumOfDomains, type DomainBytes } from './domain-bytes.ts'
import { Planning, type PoolMember, type RoomRequest } from './planning.ts'
import type { ReliefOrder } from './relief.ts'

/** The pool as a plan for several models finds it. */
export type TurnPool = Pick<ReliefOrder, 'policy' | 'now'> & {
  readonly members: readonly PoolMember[]
  readonly freeBytes: DomainBytes
}

/**
 * What asking several models at once takes: those in memory answer first, the others load as far as there is room beside them; who does not
 * fit waits for the next round, in which those that have answered may leave. Pure: nothing happens by asking, and it does not log.
 */
export function planTurn(
  pool: TurnPool,
  asked: readonly ({ readonly modelId: string; readonly name: string } | RoomRequest)[],
): TurnPlan {
  const models: TurnPlan['models'] = []
  const leaving: TurnPlan['leaving'] = []
  let { members, freeBytes } = pool
  let round = 0
  /** Those of the round under way, who may not leave before they have answered. */
  let busy = new Set<string>()
  const add = (
    { modelId, name }: { modelId: string; name: string },
    kind: 'resident' | 'loads',
    bytes = 0,
  ) => {
    models.push({ modelId, name, kind, bytes, round })
    busy.add(modelId)
  }
  const now = () =>
    new Planning({
      ...pool,
      freeBytes,
      members: members.map((member) => (busy.has(member.modelId) ? whenBusy(member) : member)),
    })

  for (const each of asked) if (!('neededBytes' in each)) add(each, 'resident')
  for (const request of asked) {
    if (!('neededBytes' in request)) continue
    let plan = now().planNow(request.neededBytes, request.modelId)
    if (!plan && busy.size > 0) {
      // Whoever else is busy or loading will be done as well.
      const alone = new Planning({ ...pool, members, freeBytes })
      plan =
        alone.planNow(request.neededBytes, request.modelId) ??
        alone.planLater(request.neededBytes, request.modelId)
      if (plan) {
        round++
        busy = new Set()
      }
    }
    plan ??= now().planLater(request.neededBytes, request.modelId)
    const { modelId, name } = request
    if (!plan) {
      models.push({ modelId, name, kind: 'refused', bytes: 0, round, problem: now().refusal(request) })
      continue
    }
    const gone = new Set(plan.leaving.map((member) => member.modelId))
    for (const member of plan.leaving) {
      leaving.push({ modelId: member.modelId, name: member.name, freesBytes: sumOfDomains(member.bytes) })
      freeBytes = addBytes(freeBytes, member.bytes)
    }
    for (const { candidate, kv } of plan.relieved) {
      if (gone.has(candidate.modelId)) continue
      freeBytes = addBytes(freeBytes, kv.bytes)
      members = members.map((member) => (member.modelId === candidate.modelId ? without(member, kv) : member))
    }
    freeBytes = subtractBytes(freeBytes, request.neededBytes)
    members = [...members.filter((member) => !gone.has(member.modelId)), arrived(request)]
    add(request, 'loads', sumOfDomains(request.neededBytes))
  }
  return { models, rounds: round + 1, leaving }
}

function whenBusy(member: PoolMember): PoolMember {
  return { ...member, state: 'busy', leases: member.leases + 1 }
}

/** A model whose KV cache was given back. */
function without(member: PoolMember, { id, bytes }: PoolMember['idleKv'][number]): PoolMember {
  return {
    ...member,
    bytes: subtractBytes(member.bytes, bytes),
    idleKv: member.idleKv.filter((kv) => kv.id !== id),
  }
}

function arrived({ modelId, name, neededBytes }: RoomRequest): PoolMember {
  return {
    ...{ modelId, name, state: 'ready', pinned: false, leases: 0, bytes: neededBytes },
    ...{ weightBytes: sumOfDomains(neededBytes), loadBytesPerSecond: null, prefillTokensPerSecond: null },
    ...{ usedTokens: 0, idleKv: [], accesses: 1, lastUsedAt: 0 },
  }
}
