import type { DragEvent } from 'react'
import { dropModel } from '../additions.ts'
import { useApp } from '../store.ts'

type DropProps = {
  readonly onDragEnter?: (event: DragEvent<HTMLElement>) => void
  readonly onDragOver?: (event: DragEvent<HTMLElement>) => void
  readonly onDragLeave?: (event: DragEvent<HTMLElement>) => void
  readonly onDrop?: (event: DragEvent<HTMLElement>) => void
}

/** What an element needs to take a model that is dragged from the library: held over it, the model is proposed. */
export function useModelDrop(): DropProps {
  const draggedId = useApp((state) => state.draggedId)
  if (draggedId === null) return {}
  const onDrag = (event: DragEvent<HTMLElement>) => {
    event.preventDefault()
    event.dataTransfer.dropEffect = 'copy'
    useApp.setState(({ proposal }) =>
      proposal?.modelId === draggedId && proposal.from === 'drag'
        ? {}
        : { proposal: { modelId: draggedId, options: {}, from: 'drag' } },
    )
  }
  return {
    onDragEnter: onDrag,
    onDragOver: onDrag,
    onDragLeave({ currentTarget, relatedTarget }) {
      if (!(relatedTarget instanceof Node && currentTarget.contains(relatedTarget))) endDrag()
    },
    onDrop(event) {
      event.preventDefault()
      void dropModel(draggedId)
    },
  }
}

/** The dragged model is no longer held over the pool. */
export function endDrag(): void {
  useApp.setState(({ proposal }) => (proposal?.from === 'drag' ? { proposal: null } : {}))
}
