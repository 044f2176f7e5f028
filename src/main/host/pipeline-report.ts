import type { PipelineReport } from '../../contract/pipeline-report.ts'
import type { ThisMachine } from '../core/pipeline-machine.ts'
import { planPipeline } from '../core/pipeline-plan.ts'
import type { KnownModel } from '../core/pipeline-sizes.ts'
import { inOrder, parsePipeline, type ParsedPipeline } from './pipeline-file.ts'
import { findModels, type ModelPlaces } from './pipeline-models.ts'

/** A checked text: its report, and what it was made from. */
export type CheckedPipeline = {
  readonly report: PipelineReport
  readonly file: ParsedPipeline['file']
  readonly known: readonly KnownModel[]
}

/** Checks a text and does its dry run. `machine` is asked for when the text can be planned, with what is known of its models. */
export async function checkPipeline(
  text: string,
  {
    places,
    machine,
    signal,
  }: {
    readonly places: ModelPlaces
    readonly machine: (known: readonly KnownModel[]) => Promise<ThisMachine>
    readonly signal?: AbortSignal | undefined
  },
): Promise<CheckedPipeline> {
  const { file, findings, place } = parsePipeline(text)
  if (!file) return { report: { findings: [...findings], plan: null }, file, known: [] }
  const known = await findModels(file, places, signal)
  const { plan, findings: planned } = planPipeline(file, { known, here: await machine(known) })
  return { report: { findings: inOrder([...findings, ...planned.map(place)]), plan }, file, known }
}
