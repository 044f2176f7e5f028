import styles from './fact-list.module.css'

/** A named value; null when it is not known, and then not shown. */
export type Fact = { readonly name: string; readonly value: string | null }

/** Names and values in two columns. */
export function FactList({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl className={styles['facts']}>
      {facts.map(({ name, value }) =>
        value === null ? null : (
          <div key={name} className={styles['fact']}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}
