import { useState, type DragEvent } from 'react'

/** Whether files are held over an element now, and the listeners that tell. What is dropped is taken by `useFileDrop`. */
export function useFilesOver(): {
  readonly isOver: boolean
  readonly onDragOver: (event: DragEvent) => void
  readonly onDragLeave: (event: DragEvent) => void
  readonly onDrop: () => void
} {
  const [isOver, setIsOver] = useState(false)
  return {
    isOver,
    onDragOver: ({ dataTransfer }) => setIsOver(dataTransfer.types.includes('Files')),
    onDragLeave({ currentTarget, relatedTarget }) {
      // Not when the pointer only goes from one element in it to another.
      if (!(relatedTarget instanceof Node) || !currentTarget.contains(relatedTarget)) setIsOver(false)
    },
    onDrop: () => setIsOver(false),
  }
}
