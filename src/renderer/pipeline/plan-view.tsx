import { formatBytes } from '../../contract/bytes.ts'
import type { Figure, PipelinePlan } from '../../contract/pipeline-report.ts'
import figures from '../ui/figure-table.module.css'
import { formatCount, formatDuration, formatSpeed, unbroken } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import styles from './plan-view.module.css'

/** What a pipeline comes to: the set in its memory, and each step with its speed. */
export function PlanView({ plan }: { readonly plan: PipelinePlan }) {
  return (
    <>
      <SetView plan={plan} />
      <StepsView plan={plan} />
    </>
  )
}

const partNames: Readonly<Record<PipelinePlan['models'][number]['parts'][number]['part'], string>> = {
  ...{ weights: 'weights', kvCache: 'KV cache', compute: 'buffers', runtime: 'process' },
  ...{ draft: 'draft model', whole: 'as the file estimates' },
}
const stateNames = { usable: null, missing: 'not found', unusable: 'cannot be used' } as const

function SetView({ plan }: { readonly plan: PipelinePlan }) {
  const { machine, rooms, models } = plan
  return (
    <section className={styles['section']} aria-labelledby="pipeline-set">
      <h3 id="pipeline-set">What is loaded</h3>
      <p className={figures['note']}>
        {`${machine.isHere ? `On this machine (${machine.name})` : `${machine.name}, for planning`}. ${bandwidthText(machine.bandwidth)}`}
      </p>
      {rooms.map((room) => {
        const spare = room.capacityBytes - room.usedBytes
        const grown = room.capacityBytes - room.grownBytes
        return (
          <div key={room.domain} className={styles['room']}>
            <div className={styles['blocks']} aria-hidden="true">
              {models.map((model, index) => (
                <span
                  key={model.id}
                  className={styles['block']}
                  data-colour={index % 10}
                  data-missing={model.state === 'usable' ? undefined : ''}
                  style={{ flexGrow: bytesIn(model, room.domain) }}
                >
                  {bytesIn(model, room.domain) * 12 > room.capacityBytes && (
                    <>
                      <span>{model.name}</span>
                      <span>{formatBytes(bytesIn(model, room.domain))}</span>
                    </>
                  )}
                </span>
              ))}
              {spare > 0 && (
                <span className={styles['spare']} style={{ flexGrow: spare }}>
                  {spare * 12 > room.capacityBytes && (
                    <>
                      <span>to spare</span>
                      <span>{formatBytes(spare)}</span>
                    </>
                  )}
                </span>
              )}
            </div>
            <p className={styles['sum']}>
              {`${room.name}: ${formatBytes(room.usedBytes)} of ${formatBytes(room.capacityBytes)} (${formatBytes(room.totalBytes)} less ${formatBytes(room.reserveBytes)} of reserve). `}
              <strong>{roomText(spare)}</strong>
              {`, ${roomText(grown)} with every KV cache at its budget.`}
            </p>
          </div>
        )
      })}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={figures['scroll']} role="region" aria-label="Table of the models" tabIndex={0}>
        <table className={figures['table']} aria-label="Models of the pipeline">
          <thead>
            <tr>
              <th scope="col">Model</th>
              <th scope="col">Takes</th>
              <th scope="col">Context</th>
              <th scope="col">KV budget</th>
            </tr>
          </thead>
          <tbody>
            {models.map((model, index) => (
              <tr key={model.id}>
                <th scope="row" className={styles['name']}>
                  <span data-colour={index % 10}>
                    <ModelSwatch colour={index} hollow={model.state !== 'usable'} />
                  </span>{' '}
                  {model.name}
                  <span className={styles['about']}>
                    {[
                      stateNames[model.state],
                      model.pinned ? 'pinned' : null,
                      model.quantization,
                      model.parts
                        .map(({ part, bytes }) =>
                          // The whole of it stands in the next column.
                          part === 'whole'
                            ? partNames.whole
                            : `${partNames[part]} ${unbroken(formatBytes(bytes))}`,
                        )
                        .join(', '),
                    ]
                      .filter((text) => text !== null)
                      .join(' · ')}
                  </span>
                </th>
                <td>{formatBytes(model.bytes)}</td>
                <td>{`${formatCount(model.contextTokens)} tokens`}</td>
                <td>
                  {formatBytes(model.kvBudgetBytes)}
                  {model.kvBudgetTokens !== null && (
                    <span className={styles['about']}>
                      {`${model.kvBytesPerToken?.source === 'assumed' ? 'about ' : ''}${formatCount(model.kvBytesPerToken?.source === 'assumed' ? Math.round(model.kvBudgetTokens / 100) * 100 : model.kvBudgetTokens)} tokens`}
                    </span>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  )
}

function StepsView({ plan }: { readonly plan: PipelinePlan }) {
  const { steps, reloadsPerTurn, reloadBytesPerTurn, turnSeconds } = plan
  const nameOf = (id: string) => plan.models.find((model) => model.id === id)?.name ?? id
  if (steps.length === 0) return null
  return (
    <section className={styles['section']} aria-labelledby="pipeline-steps">
      <h3 id="pipeline-steps">A turn, step by step</h3>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className={figures['scroll']} role="region" aria-label="Table of the steps" tabIndex={0}>
        <table className={figures['table']} aria-label="Steps of the pipeline">
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Reads</th>
              <th scope="col">Writes</th>
              <th scope="col">First token</th>
              <th scope="col">Speed</th>
              <th scope="col">Loads</th>
            </tr>
          </thead>
          <tbody>
            {steps.map((step, index) => (
              <tr key={index}>
                <th scope="row" className={styles['name']}>
                  {`${stepNames[step.step]}${step.label === null ? '' : ` “${step.label}”`}: ${nameOf(step.modelId)}`}
                  {(step.isRare || step.isAlternative || step.requests > 1) && (
                    <span className={styles['about']}>
                      {step.isRare
                        ? 'only after a failed check'
                        : step.isAlternative
                          ? 'one of these in each turn'
                          : `${formatCount(step.requests)} requests`}
                    </span>
                  )}
                </th>
                <td>{formatCount(step.promptTokens)}</td>
                <td>{formatCount(step.answerTokens)}</td>
                <td title={step.firstTokenMs?.from}>
                  {step.firstTokenMs
                    ? `${roughly(step.firstTokenMs)}${formatDuration(step.firstTokenMs.value)}`
                    : 'not known'}
                </td>
                <td title={step.tokensPerSecond?.from}>
                  {step.tokensPerSecond
                    ? `${atMost(step.tokensPerSecond)}${formatSpeed(step.tokensPerSecond.value)}`
                    : 'not known'}
                </td>
                <td>{step.reload ? formatBytes(step.reload.bytes) : 'none'}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className={figures['note']}>
        {reloadsPerTurn === 0
          ? 'All stay in memory: nothing is loaded again.'
          : `${reloadsPerTurn === 1 ? '1 model is' : `${Number(reloadsPerTurn.toFixed(1))} models are`} loaded again in each turn, ${formatBytes(reloadBytesPerTurn)} from disk.`}
        {turnSeconds !== null && ` A whole turn takes about ${formatDuration(turnSeconds * 1000)}.`}
        {
          ' Speeds are at most the memory’s bandwidth ÷ the bytes that a token reads, unless they were measured.'
        }
      </p>
    </section>
  )
}

const stepNames = { route: 'Route', answer: 'Answer', verify: 'Verify', repair: 'Repair' } as const

function bytesIn({ parts }: PipelinePlan['models'][number], domain: string): number {
  return parts.reduce((sum, part) => sum + (part.domain === domain ? part.bytes : 0), 0)
}

function roomText(bytes: number): string {
  return bytes >= 0 ? `${formatBytes(bytes)} to spare` : `${formatBytes(-bytes)} missing`
}

function bandwidthText(bandwidth: Figure | null): string {
  if (!bandwidth) return 'How fast its memory is read is not known.'
  return `Memory is read at ${formatCount(bandwidth.value / 1e9)} GB/s (${bandwidth.from}).`
}

function atMost({ source }: Figure): string {
  return source === 'measured' ? '' : '≤ '
}

function roughly({ source }: Figure): string {
  return source === 'measured' ? '' : 'about '
}
