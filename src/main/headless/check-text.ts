import { formatBytes } from '../../contract/bytes.ts'
import type { Figure, PipelineFinding, PipelinePlan, PipelineReport } from '../../contract/pipeline-report.ts'

/** A report as lines for a terminal. */
export function writeReport({ findings, plan }: PipelineReport, file: string): string {
  const blocks = [...(plan ? planBlocks(plan) : []), ...findingBlocks(findings, file)]
  return `${[`${file}: ${verdictOf(findings, plan)}`, ...blocks].join('\n\n')}\n`
}

function verdictOf(findings: readonly PipelineFinding[], plan: PipelinePlan | null): string {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  const words = errors === 0 ? '' : `${errors} ${errors === 1 ? 'error' : 'errors'}`
  if (!plan) return words
  const fits = {
    together: 'fits into memory together',
    inTurns: 'does not fit into memory together',
    no: 'does not fit',
  }[plan.fits]
  return errors === 0 ? fits : `${words}; ${fits}`
}

function planBlocks(plan: PipelinePlan): string[] {
  const { machine, rooms, models, steps } = plan
  const where = machine.isHere ? `This machine (${machine.name})` : `${machine.name}, for planning`
  const speed = machine.bandwidth
    ? `memory reads ${Math.round(machine.bandwidth.value / 1e9)} GB/s (${machine.bandwidth.from})`
    : 'the speed of its memory is not known'
  const roomLines = rooms.map((room) => {
    const spare = room.capacityBytes - room.usedBytes
    const grown = room.capacityBytes - room.grownBytes
    return (
      `${room.name}: ${formatBytes(room.usedBytes)} of ${formatBytes(room.capacityBytes)} ` +
      `(${formatBytes(room.totalBytes)} less ${formatBytes(room.reserveBytes)} of reserve); ` +
      `${roomText(spare)}, ${roomText(grown)} with every KV cache at its budget`
    )
  })
  return [
    [`${where}: ${speed}`, ...roomLines].join('\n'),
    table(
      ['Model', 'File', 'Takes', 'Parts', 'Context', 'KV budget'],
      models.map((model) => [
        `${model.id}${model.pinned ? ' (pinned)' : ''}`,
        model.state === 'usable'
          ? (model.quantization ?? '')
          : model.state === 'missing'
            ? 'not found'
            : 'unusable',
        formatBytes(model.bytes),
        model.parts.map((part) => `${partNames[part.part]} ${formatBytes(part.bytes)}`).join(', '),
        `${count(model.contextTokens)} tokens`,
        budgetText(model),
      ]),
    ),
    [
      table(
        ['Step', 'Model', 'Reads', 'Writes', 'First token', 'Tokens/s', 'Each turn'],
        steps.map((step) => [
          `${step.step}${step.label === null ? '' : ` (${step.label})`}`,
          step.modelId,
          count(step.promptTokens),
          count(step.answerTokens),
          step.firstTokenMs
            ? `${about(step.firstTokenMs)}${seconds(step.firstTokenMs.value / 1000)}`
            : 'not known',
          step.tokensPerSecond
            ? `${upTo(step.tokensPerSecond)}${step.tokensPerSecond.value.toFixed(1)}`
            : 'not known',
          step.isRare
            ? 'only after a failed check'
            : step.reload
              ? `loads ${formatBytes(step.reload.bytes)}${step.reload.leaving.length === 0 ? '' : `, ${step.reload.leaving.join(' and ')} leaves`}`
              : step.isAlternative
                ? 'stays; one of these each turn'
                : 'stays in memory',
        ]),
      ),
      `Loads in each turn: ${plan.reloadsPerTurn === 0 ? 'none' : `${Number(plan.reloadsPerTurn.toFixed(1))}, ${formatBytes(plan.reloadBytesPerTurn)} from disk`}`,
      ...(plan.turnSeconds === null ? [] : [`A whole turn: about ${seconds(plan.turnSeconds)}`]),
    ].join('\n'),
  ]
}

const partNames: Readonly<Record<PipelinePlan['models'][number]['parts'][number]['part'], string>> = {
  ...{ weights: 'weights', kvCache: 'KV cache', compute: 'buffers', runtime: 'process' },
  ...{ draft: 'draft', whole: 'as estimated' },
}

function budgetText({
  kvBudgetBytes,
  kvBudgetTokens,
  kvBytesPerToken,
}: PipelinePlan['models'][number]): string {
  if (kvBudgetTokens === null) return formatBytes(kvBudgetBytes)
  const isRough = kvBytesPerToken?.source === 'assumed'
  return `${formatBytes(kvBudgetBytes)}, ${isRough ? 'about ' : ''}${count(isRough ? Math.round(kvBudgetTokens / 100) * 100 : kvBudgetTokens)} tokens`
}

function findingBlocks(findings: readonly PipelineFinding[], file: string): string[] {
  return findings.map(({ severity, line, column, message, expected, help }) => {
    const place = line === null ? file : `${file}:${line}:${column ?? 1}`
    return [
      `${place}: ${severity}: ${message}`,
      ...(expected === undefined ? [] : [`  expected: ${expected}`]),
      ...(help === undefined ? [] : [`  help: ${help}`]),
    ].join('\n')
  })
}

function roomText(bytes: number): string {
  return bytes >= 0 ? `${formatBytes(bytes)} to spare` : `${formatBytes(-bytes)} missing`
}

/** Memory sets the upper limit; what was measured is what it was. */
function upTo({ source }: Figure): string {
  return source === 'measured' ? '' : 'up to '
}

function about({ source }: Figure): string {
  return source === 'measured' ? '' : 'about '
}

function seconds(value: number): string {
  return value < 10 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
