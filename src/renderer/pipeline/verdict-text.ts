import type { PipelineReport } from '../../contract/pipeline-report.ts'

/** A report in one sentence, and whether its set may be loaded. */
export function verdictText({ findings, plan }: PipelineReport): {
  readonly text: string
  readonly kind: 'good' | 'warn' | 'bad'
  readonly mayLoad: boolean
} {
  const errors = findings.filter(({ severity }) => severity === 'error').length
  if (errors > 0 || !plan)
    return { text: `${errors} ${errors === 1 ? 'error' : 'errors'} in the file`, kind: 'bad', mayLoad: false }
  const where = plan.machine.isHere ? 'here' : 'on a machine like the file’s'
  const missing = plan.models.filter(({ state }) => state === 'missing').length
  const files = missing === 0 ? '' : `; ${missing === 1 ? '1 file is' : `${missing} files are`} not there`
  switch (plan.fits) {
    case 'together':
      return {
        text: `Fits together ${where}${plan.fitsHere === 'together' ? '' : ', not on this one'}${files}`,
        kind: missing === 0 && plan.fitsHere === 'together' ? 'good' : 'warn',
        mayLoad: missing === 0 && plan.fitsHere === 'together',
      }
    case 'inTurns':
      return {
        text: `Does not fit together ${where}: models would take turns${files}`,
        kind: 'warn',
        mayLoad: false,
      }
    case 'no':
      return { text: `Does not fit ${where}`, kind: 'bad', mayLoad: false }
    default:
      return plan.fits satisfies never
  }
}
