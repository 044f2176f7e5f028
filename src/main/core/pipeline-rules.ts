import { reservedDrafts, type PipelineFile, type PipelineModel } from '../../contract/pipeline.ts'
import { closestName } from './closest-name.ts'
import type { KeyPath, UnplacedFinding } from './pipeline-finding.ts'

/** What does not go together in a file whose keys and values are right each by itself. Pure. */
export function findContradictions(file: PipelineFile): UnplacedFinding[] {
  return [
    ...memoryRules(file),
    ...modelRules(file),
    ...referenceRules(file),
    ...roleRules(file),
    ...stepRules(file),
  ]
}

function memoryRules({ memory }: PipelineFile): UnplacedFinding[] {
  const { total_gb: total, reserve_gb: reserve } = memory ?? {}
  if (total === undefined || reserve === undefined || reserve < total) return []
  return [
    error(['memory', 'reserve_gb'], `The reserve of ${reserve} GB leaves nothing of ${total} GB`, {
      expected: `less than ${total}`,
      help: `Write ${Math.min(8, total / 16)}, or leave the key out`,
    }),
  ]
}

function modelRules({ models, runtime }: PipelineFile): UnplacedFinding[] {
  return models.flatMap((model, index) => {
    const at = (key: string): KeyPath => ['models', index, key]
    const findings: UnplacedFinding[] = []
    const sameId = models.findIndex(({ id }) => id === model.id)
    if (sameId !== index)
      findings.push(
        error(at('id'), `Two models are called "${model.id}"`, {
          ...{ expected: 'an id of its own for each model', help: `Call this one "${model.id}-2"` },
        }),
      )
    if (reservedDrafts.some((word) => word === model.id))
      findings.push(error(at('id'), `"${model.id}" is a word of "draft"`, { expected: 'another id' }))
    const sameFile = models.findIndex(({ path }) => path === model.path)
    if (sameFile !== index)
      findings.push(
        error(at('path'), `"${model.id}" and "${models[sameFile]?.id ?? ''}" are the same file`, {
          expected: 'each file once',
          help: 'Give one model both roles: it is in memory once',
        }),
      )
    const { start_context_tokens: start, max_context: most } = model
    if (start !== undefined && most !== undefined && start > most)
      findings.push(
        error(at('start_context_tokens'), `The context begins with ${start} tokens and ends at ${most}`, {
          ...{ expected: `at most ${most}`, help: 'Make "max_context" larger, or leave this key out' },
        }),
      )
    if (model.kv_type === 'q8_0' && model.flash_attention === 'off')
      findings.push(
        warning(at('kv_type'), 'A q8_0 KV cache needs flash attention, which is off: it will be f16', {
          help: 'Take "flash_attention" out',
        }),
      )
    const drafts = model.draft !== undefined && model.draft !== 'off'
    if (drafts && runtime?.speculative_decoding === false)
      findings.push(
        warning(at('draft'), `"${model.id}" has a draft, and speculative decoding is off: it is not used`, {
          help: 'Take one of the two out',
        }),
      )
    return findings
  })
}

function referenceRules({ models, router, verifier, steps }: PipelineFile): UnplacedFinding[] {
  const ids = models.map(({ id }) => id)
  const check = (id: string | undefined, at: KeyPath): UnplacedFinding[] => {
    if (id === undefined || ids.includes(id)) return []
    const meant = closestName(id, ids)
    return [
      error(at, `No model of this file is called "${id}"`, {
        expected: ids.join(', '),
        ...(meant !== null && { help: `Did you mean "${meant}"?` }),
      }),
    ]
  }
  const draftRules = models.flatMap(({ id, draft }, index) => {
    const at = ['models', index, 'draft']
    if (draft === undefined || reservedDrafts.some((word) => word === draft)) return []
    if (draft === id)
      return [error(at, `"${id}" cannot draft for itself`, { expected: 'a smaller model, lookup or off' })]
    const drafter = models.find((each) => each.id === draft)
    if (drafter?.draft !== undefined && !reservedDrafts.some((word) => word === drafter.draft))
      return [
        error(at, `"${draft}" drafts for "${id}" and has a draft itself`, {
          ...{ expected: 'a model without a draft', help: `Take "draft" of "${draft}" out` },
        }),
      ]
    return check(draft, at)
  })
  return [
    ...check(router?.model, ['router', 'model']),
    ...check(verifier?.model, ['verifier', 'model']),
    ...check(verifier?.repair_by, ['verifier', 'repair_by']),
    ...(steps ?? []).flatMap(({ model }, index) => check(model, ['steps', index, 'model'])),
    ...draftRules,
  ]
}

function roleRules({ models, router }: PipelineFile): UnplacedFinding[] {
  const labels = models.flatMap((model) => labelsOf(model))
  const routerIndex = models.findIndex(({ role }) => role?.routes === true)
  if (labels.length > 0 && !router && routerIndex === -1)
    return [
      warning(['models'], 'Models have labels, and nobody sorts requests by them', {
        help: 'Name a router, or give a model the role "routes: true"',
      }),
    ]
  if (labels.length === 0 && router)
    return [
      warning(['router', 'model'], 'The router has nothing to choose from: no model has labels', {
        help: 'Give models a role with labels',
      }),
    ]
  return models.flatMap((model, index) => {
    const names = labelsOf(model)
    const twice = names.find((name, position) => names.indexOf(name) !== position)
    if (twice === undefined) return []
    return [error(['models', index, 'role', 'labels'], `"${model.id}" has the label "${twice}" twice`, {})]
  })
}

function stepRules({ models, router, verifier, steps }: PipelineFile): UnplacedFinding[] {
  return (steps ?? []).flatMap((step, index) => {
    const at = (key: string): KeyPath => ['steps', index, key]
    const named = models.find(({ id }) => id === step.model)
    if (step.label !== undefined && !models.some((model) => labelsOf(model).includes(step.label ?? ''))) {
      const all = [...new Set(models.flatMap((model) => labelsOf(model)))]
      const meant = closestName(step.label, all)
      return [
        error(at('label'), `No model answers "${step.label}"`, {
          expected: all.length === 0 ? 'a label of a model’s role; there is none' : all.join(', '),
          help: meant === null ? 'Give a model a role with this label' : `Did you mean "${meant}"?`,
        }),
      ]
    }
    if (named && step.label !== undefined && !labelsOf(named).includes(step.label))
      return [warning(at('model'), `"${named.id}" does not have the label "${step.label}"`, {})]
    if (step.model !== undefined) return []
    const does = (has: boolean, what: string, help: string) =>
      has
        ? []
        : [error(at('step'), `Nobody ${what} in this file`, { expected: 'a "model" for this step', help })]
    switch (step.step) {
      case 'route':
        return does(
          router !== undefined || models.some(({ role }) => role?.routes === true),
          'routes',
          'Add "router:" with a model',
        )
      case 'verify':
        return does(
          verifier !== undefined || models.some(({ role }) => role?.verifies === true),
          'verifies',
          'Add "verifier:" with a model',
        )
      case 'answer':
        return does(step.label !== undefined, 'is named to answer', 'Add "model" or "label" to this step')
      case 'repair':
        return []
      default:
        return step.step satisfies never
    }
  })
}

/** The labels that a model answers. */
export function labelsOf({ role }: PipelineModel): readonly string[] {
  return (role?.labels ?? []).map(({ name }) => name)
}

type More = { readonly expected?: string; readonly help?: string }

function error(at: KeyPath, message: string, more: More): UnplacedFinding {
  return { severity: 'error', at, message, ...more }
}

function warning(at: KeyPath, message: string, more: More): UnplacedFinding {
  return { severity: 'warning', at, message, ...more }
}
