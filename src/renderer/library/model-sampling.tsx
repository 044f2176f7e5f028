import type { LibraryModel } from '../../contract/model.ts'
import type { Sampling } from '../../contract/sampling.ts'
import { recommendedBy } from '../ui/sampling-layers.ts'
import { SamplingFields } from '../ui/sampling-fields.tsx'
import styles from './model-sampling.module.css'

type ModelSamplingProps = {
  readonly model: LibraryModel
  readonly onSave: (sampling: Sampling) => void
}

/** How a model's tokens are chosen where a conversation does not say. */
export function ModelSampling({ model, onSave }: ModelSamplingProps) {
  return (
    <section className={styles['sampling']} aria-label="Sampling">
      <h3 className={styles['title']}>Sampling</h3>
      <p className={styles['note']}>
        Holds from the next answer on, in every conversation that says nothing else. Empty: as the file
        recommends, else the default.
      </p>
      <SamplingFields sampling={model.sampling ?? {}} below={[recommendedBy(model)]} onSave={onSave} />
    </section>
  )
}
