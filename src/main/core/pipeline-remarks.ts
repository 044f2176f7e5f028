import { formatBytes, GB } from '../../contract/bytes.ts'
import type { PipelineFile } from '../../contract/pipeline.ts'
import { isKnownQuantization } from './fit.ts'
import type { KeyPath, UnplacedFinding } from './pipeline-finding.ts'
import type { PlannedMachine, ThisMachine } from './pipeline-machine.ts'
import { labelsOf } from './pipeline-rules.ts'
import type { SizedModel } from './pipeline-sizes.ts'
import type { PlannedStep } from './pipeline-steps.ts'

type Facts = {
  readonly planned: PlannedMachine
  readonly here: ThisMachine
  readonly models: readonly SizedModel[]
  readonly steps: readonly PlannedStep[]
}

/** What is lost, what came of each key, and what would help. Pure. */
export function findRemarks(file: PipelineFile, facts: Facts): UnplacedFinding[] {
  return [
    ...machineRemarks(file, facts),
    ...fileRemarks(file, facts),
    ...contextRemarks(file, facts),
    ...speedRemarks(file, facts),
    ...batchRemarks(facts),
    ...runtimeRemarks(file, facts),
  ]
}

function machineRemarks({ memory }: PipelineFile, { planned, here, steps }: Facts): UnplacedFinding[] {
  const findings: UnplacedFinding[] = []
  if (memory?.pool_type !== undefined && memory.pool_type !== here.kind)
    findings.push(
      warning(
        ['memory', 'pool_type'],
        `This machine has ${here.kind} memory: with ${memory.pool_type} memory the file is for planning only`,
        'Take the key out to use it here',
      ),
    )
  if (memory?.total_gb !== undefined && memory.total_gb * GB > here.detectedBytes)
    findings.push(
      warning(
        ['memory', 'total_gb'],
        `${memory.total_gb} GB is more than the ${formatBytes(here.detectedBytes)} of this machine: it is for planning only`,
        'Loading takes the pool as it is here',
      ),
    )
  if (!planned.bandwidth && steps.some(({ tokensPerSecond }) => tokensPerSecond === null))
    findings.push(
      note(
        ['memory'],
        'Nothing was measured or published of how fast this memory is: speeds are not known',
        'Write "bandwidth_gb_s" under memory',
      ),
    )
  if (memory?.eviction_policy === 'lru_access')
    findings.push(
      note(
        ['memory', 'eviction_policy'],
        'lru_access goes by how often a model was used, whatever it costs to load it again',
        '"cost" weighs what a model frees against the time to bring it back',
      ),
    )
  return findings
}

/** How far an estimate may be from what the file says. */
const estimateTolerance = 0.15

function fileRemarks(file: PipelineFile, { models }: Facts): UnplacedFinding[] {
  return models.flatMap((model, index): UnplacedFinding[] => {
    const written = file.models[index]
    const at = (key: string): KeyPath => ['models', index, key]
    const findings: UnplacedFinding[] = []
    const { file: state } = model.known
    const quantization = written?.quantization
    if (state.kind === 'unusable')
      findings.push({
        ...{ severity: 'error', at: at('path'), message: state.problem.message, expected: 'a GGUF model' },
        ...(state.problem.details.help !== undefined && { help: state.problem.details.help }),
      })
    if (state.kind === 'missing' && written?.estimated_footprint_gb === undefined)
      findings.push({
        ...{ severity: 'error', at: at('path'), message: `"${model.id}" has no file at "${model.path}"` },
        expected: 'a file that is there, or "estimated_footprint_gb"',
        help: 'Without one of the two nothing says how large it is',
      })
    else if (state.kind === 'missing')
      findings.push(
        warning(
          at('path'),
          `"${model.id}" has no file at "${model.path}": it is planned with its estimate, and cannot be loaded`,
          'Put the file there, or correct the path',
        ),
      )
    if (quantization !== undefined && !isKnownQuantization(quantization))
      findings.push(
        warning(
          at('quantization'),
          `"${quantization}" is no quantization that is known here`,
          'Like q4_k_m, q8_0 or fp4',
        ),
      )
    if (state.kind !== 'usable') return findings
    const { facts } = state
    if (quantization !== undefined && !isSameQuantization(quantization, facts.quantization))
      findings.push(
        warning(
          at('quantization'),
          `The file of "${model.id}" is ${facts.quantization}, not ${quantization}`,
          `Write ${facts.quantization.toLowerCase()}, or name the other file`,
        ),
      )
    if (
      written?.max_context !== undefined &&
      written.max_context > facts.trainContextTokens &&
      facts.trainContextTokens > 0
    )
      findings.push(
        warning(
          at('max_context'),
          `"${model.id}" was trained for ${count(facts.trainContextTokens)} tokens: it gets no more`,
          `Write ${facts.trainContextTokens}`,
        ),
      )
    const estimate = (written?.estimated_footprint_gb ?? 0) * GB
    if (estimate > 0 && Math.abs(estimate / model.bytes - 1) > estimateTolerance)
      findings.push(
        note(
          at('estimated_footprint_gb'),
          `"${model.id}" is predicted to take ${formatBytes(model.bytes)} with its first context, not ${formatBytes(estimate)}`,
          'The prediction counts, as the file is there',
        ),
      )
    return [...findings, ...model.warnings.map((message) => warning(['models', index], message))]
  })
}

/** What one model hands to the next: a longer context than the next can read is memory that serves nobody after it. */
function contextRemarks(file: PipelineFile, { models, steps }: Facts): UnplacedFinding[] {
  const hasLabels = (model: SizedModel) =>
    file.models.some((each) => each.id === model.id && labelsOf(each).length > 0)
  const seen = new Set<string>()
  return steps.flatMap((step, position): UnplacedFinding[] => {
    const from = step.model
    const to = steps[position + 1]?.model
    // Who routes reads the request alone, and models with labels answer in place of each other.
    if (!to || step.step === 'route' || to === from || to.contextTokens >= from.contextTokens) return []
    if (steps[position + 1]?.step === 'answer' && (hasLabels(from) || hasLabels(to))) return []
    if (seen.has(`${from.id} ${to.id}`)) return []
    seen.add(`${from.id} ${to.id}`)
    const tokens = from.contextTokens - to.contextTokens
    const perToken = from.kvBytesPerToken
    const bytes = perToken
      ? ` (${perToken.source === 'assumed' ? 'about ' : ''}${formatBytes(tokens * perToken.value)})`
      : ''
    return [
      warning(
        ['models', models.indexOf(to), 'max_context'],
        `"${from.id}" holds ${count(from.contextTokens)} tokens and hands over to "${to.id}", which holds ${count(to.contextTokens)}: ` +
          `the KV cache of ${count(tokens)} tokens${bytes} is stranded, for nobody after it can read them`,
        `Give "${to.id}" a max_context of ${from.contextTokens}, or "${from.id}" one of ${to.contextTokens}`,
      ),
    ]
  })
}

function speedRemarks(file: PipelineFile, { steps, models }: Facts): UnplacedFinding[] {
  const findings = steps.flatMap(({ index, model, promptTokens, answerTokens, step }): UnplacedFinding[] => {
    if (promptTokens + answerTokens <= model.contextTokens) return []
    const at: KeyPath = index === null ? ['models', models.indexOf(model)] : ['steps', index]
    return [
      warning(
        at,
        `The step "${step}" reads ${count(promptTokens)} and writes ${count(answerTokens)} tokens, and "${model.id}" holds ${count(model.contextTokens)}`,
        `Give "${model.id}" a max_context of ${promptTokens + answerTokens}`,
      ),
    ]
  })
  const beside = models.flatMap((model, index): UnplacedFinding[] => {
    if (file.models[index]?.bandwidth_throttle !== false) return []
    const slowed = steps
      .filter((step) => step.model !== model && step.tokensPerSecond !== null && step.answerTokens > 1)
      .toSorted((a, b) => (a.tokensPerSecond?.value ?? 0) - (b.tokensPerSecond?.value ?? 0))[0]
    if (models.length < 2) return []
    const speed = slowed?.tokensPerSecond?.value
    const example =
      slowed && speed !== undefined
        ? `: "${slowed.model.id}" goes from ${speed.toFixed(1)} to about ${(speed / 2).toFixed(1)} tokens a second then`
        : ''
    return [
      warning(
        ['models', index, 'bandwidth_throttle'],
        `"${model.id}" may decode beside others, and the two share the memory’s bandwidth${example}`,
        'With true they take turns, each at full speed',
      ),
    ]
  })
  return [...findings, ...beside]
}

/** From here on a job is for a machine that serves many requests at once. */
const longestBatchSeconds = 3600
const mostRequests = 1000

function batchRemarks({ steps }: Facts): UnplacedFinding[] {
  return steps.flatMap(({ index, requests, seconds }): UnplacedFinding[] => {
    const wholeSeconds = seconds === null ? null : seconds * requests
    const isLong = wholeSeconds === null ? requests >= mostRequests : wholeSeconds > longestBatchSeconds
    if (index === null || requests === 1 || !isLong) return []
    const time = wholeSeconds === null ? 'long' : `about ${duration(wholeSeconds)}`
    return [
      warning(
        ['steps', index, 'requests'],
        `${count(requests)} requests take ${time}, one after the other`,
        'Such a job belongs on a datacentre GPU (A100, H100: over 2,000 GB/s), which serves many at once',
      ),
    ]
  })
}

function runtimeRemarks({ runtime, models }: PipelineFile, { here }: Facts): UnplacedFinding[] {
  const findings: UnplacedFinding[] = []
  const { nvlink_c2c: nvlink, windows_arm_native: arm, speculative_decoding: drafts } = runtime ?? {}
  const check = (key: string, wanted: boolean, { isThere, found }: ThisMachine['nvlink']) =>
    findings.push(
      note(
        ['runtime', key],
        `${found}${isThere === wanted ? '' : ', other than the file says'}. The key switches nothing`,
      ),
    )
  if (nvlink !== undefined) check('nvlink_c2c', nvlink === 'enabled', here.nvlink)
  if (arm !== undefined) check('windows_arm_native', arm, here.windowsArm)
  if (drafts === false)
    findings.push(
      note(
        ['runtime', 'speculative_decoding'],
        'No model drafts, also where measuring would say that it pays',
      ),
    )
  if (drafts === true && models.every(({ draft }) => draft === 'off'))
    findings.push(
      note(
        ['runtime', 'speculative_decoding'],
        'Every model of the file has "draft: off", so that nothing drafts',
        'Take "draft" out, and what was measured decides',
      ),
    )
  return findings
}

/** "fp4" is any of the 4-bit floating-point types. */
function isSameQuantization(written: string, found: string): boolean {
  const [a, b] = [written.toLowerCase(), found.toLowerCase()]
  return a === b || (a === 'fp4' && /^(mx|nv)fp4/.test(b))
}

function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',')
}

function duration(seconds: number): string {
  const hours = seconds / 3600
  return hours >= 48 ? `${Math.round(hours / 24)} days` : `${hours.toFixed(1)} hours`
}

function warning(at: KeyPath, message: string, help?: string): UnplacedFinding {
  return { severity: 'warning', at, message, ...(help !== undefined && { help }) }
}

function note(at: KeyPath, message: string, help?: string): UnplacedFinding {
  return { severity: 'note', at, message, ...(help !== undefined && { help }) }
}
