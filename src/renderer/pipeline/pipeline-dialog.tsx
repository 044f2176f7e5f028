import { useDeferredValue, useEffect, useRef, useState } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import type { PipelineFinding, PipelineReport } from '../../contract/pipeline-report.ts'
import { host, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { useAct } from '../ui/use-act.ts'
import { FindingList } from './finding-list.tsx'
import styles from './pipeline-dialog.module.css'
import { PipelineEditor, type PipelineEditorHandle } from './pipeline-editor.tsx'
import { PlanView } from './plan-view.tsx'
import { savePipeline, showPipeline, type OpenPipeline } from './pipelines.ts'
import { verdictText } from './verdict-text.ts'

/** A pipeline file with its dry run: its text, what is wrong with it, and what it would load. */
export function PipelineDialog() {
  const pipeline = useApp((state) => state.pipeline)
  if (pipeline === null) return null
  return (
    <Dialog title={pipeline.name} size="large" onClose={() => showPipeline(null)}>
      <PipelineView key={`${pipeline.path ?? ''} ${pipeline.name}`} pipeline={pipeline} />
    </Dialog>
  )
}

/** Typing is not checked letter by letter. */
const checkDelayMs = 250

function PipelineView({ pipeline }: { readonly pipeline: OpenPipeline }) {
  const [text, setText] = useState(pipeline.text)
  const { report, problem } = useReport(useDeferredValue(text), pipeline.path)
  const [isLoading, setIsLoading] = useState(false)
  const loading = useAct()
  const editor = useRef<PipelineEditorHandle>(null)
  const source = { text, ...(pipeline.path !== null && { path: pipeline.path }) }
  const load = async () => {
    setIsLoading(true)
    await loading.act(async () => {
      await host().pipelines.load(source)
      showPipeline(null)
    })
    setIsLoading(false)
  }
  const findings = report?.findings ?? []
  const errors = findings.filter(({ severity }) => severity === 'error')
  const remarks = findings.filter(({ severity }) => severity !== 'error')
  const show = (finding: PipelineFinding) => editor.current?.show(finding)
  const shown = loading.problem ?? problem
  const verdict = report ? verdictText(report) : null
  return (
    <div className={styles['pipeline']}>
      <div className={styles['bar']}>
        <p className={styles['verdict']} role="status" data-kind={verdict?.kind}>
          {problem ? 'It could not be checked' : (verdict?.text ?? 'Checking…')}
        </p>
        <div className={styles['choices']}>
          <Button
            icon="export"
            onClick={() => void loading.act(() => savePipeline({ name: pipeline.name, text }))}
          >
            Save as…
          </Button>
          <Button
            look="primary"
            icon="load"
            data-first
            aria-disabled={isLoading || !verdict?.mayLoad}
            onClick={() => {
              if (!isLoading && verdict?.mayLoad === true) void load()
            }}
          >
            {isLoading ? 'Loading…' : 'Load this set'}
          </Button>
        </div>
      </div>
      {shown && (
        <div role="alert" className={styles['problem']}>
          <ProblemText problem={shown} />
        </div>
      )}
      <div className={styles['panes']}>
        <div className={styles['source']}>
          <PipelineEditor ref={editor} text={text} findings={findings} onChange={setText} />
        </div>
        <div className={styles['report']}>
          <FindingList label="Errors" findings={errors} onShow={show} />
          {report?.plan && <PlanView plan={report.plan} />}
          <FindingList label="Warnings and notes" findings={remarks} onShow={show} />
        </div>
      </div>
    </div>
  )
}

/** The check of a text, as it was last made. */
function useReport(
  text: string,
  path: string | null,
): { readonly report: PipelineReport | null; readonly problem: Problem | null } {
  const [report, setReport] = useState<PipelineReport | null>(null)
  const [problem, setProblem] = useState<Problem | null>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    const abort = new AbortController()
    const check = async () => {
      try {
        const source = { text, ...(path !== null && { path }) }
        const checked = await host().pipelines.check(source, { signal: abort.signal })
        if (abort.signal.aborted) return
        setReport(checked)
        setProblem(null)
      } catch (error) {
        if (!abort.signal.aborted) setProblem(toProblem(error))
      }
    }
    const timer = setTimeout(() => void check(), isFirst.current ? 0 : checkDelayMs)
    isFirst.current = false
    return () => {
      clearTimeout(timer)
      abort.abort()
    }
  }, [text, path])
  return { report, problem }
}
