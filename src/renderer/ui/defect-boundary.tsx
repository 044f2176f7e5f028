import { Component, type ReactNode } from 'react'
import { toProblem, type Problem } from '../../contract/errors.ts'
import { Button } from './button.tsx'
import styles from './defect-boundary.module.css'

type Props = { readonly children: ReactNode }
type State = { readonly problem: Problem | null }

/** Shows what went wrong where a defect keeps the page from being drawn, instead of an empty window. React wants a class here. */
export class DefectBoundary extends Component<Props, State> {
  override state: State = { problem: null }

  static getDerivedStateFromError(error: unknown): State {
    return { problem: toProblem(error) }
  }

  override render(): ReactNode {
    const { problem } = this.state
    if (!problem) return this.props.children
    return (
      <main className={styles['defect']} role="alert">
        <h1>This window met a defect</h1>
        <p>
          Models and conversations are with the host and go on: nothing is lost. Loading the window again
          brings them back.
        </p>
        <pre>{problem.message}</pre>
        <Button look="primary" icon="retry" onClick={() => location.reload()}>
          Load again
        </Button>
      </main>
    )
  }
}
