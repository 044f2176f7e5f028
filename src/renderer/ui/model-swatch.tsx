import styles from './model-swatch.module.css'

type ModelSwatchProps = {
  /** The model's index in the palette; null for a model that is no longer known. */
  readonly colour: number | null
  /** Hollow: the model is not in memory. */
  readonly hollow?: boolean
}

/** The small square in a model's colour that goes before its name everywhere. */
export function ModelSwatch({ colour, hollow = false }: ModelSwatchProps) {
  return (
    <span
      className={styles['swatch']}
      data-colour={colour === null ? undefined : colour % 10}
      data-hollow={hollow || undefined}
      aria-hidden="true"
    />
  )
}
