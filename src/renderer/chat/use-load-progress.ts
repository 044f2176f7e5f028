import { useShallow } from 'zustand/react/shallow'
import { useApp } from '../store.ts'

/** How far a model is with loading; nulls where it is not. */
export type LoadProgress = {
  readonly loadedBytes: number | null
  readonly weightBytes: number
  /** What it waits for while it is queued. */
  readonly waitingFor: string | null
}

/** Follows a model that loads; null: none. */
export function useLoadProgress(modelId: string | null): LoadProgress {
  return useApp(
    useShallow(({ pool }) => {
      const resident = pool?.residents.find((each) => each.modelId === modelId)
      const weights = resident?.footprint.filter(({ part }) => part === 'weights') ?? []
      return {
        loadedBytes: resident?.state === 'loading' ? resident.loadedBytes : null,
        weightBytes: weights.reduce((sum, { bytes }) => sum + bytes, 0),
        waitingFor: resident?.state === 'queued' ? resident.waitingFor : null,
      }
    }),
  )
}
