import { useEffect, useState } from 'react'
import type { RouteExample } from '../../contract/routing.ts'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import styles from './route-examples.module.css'
import type { SettingContext } from './setting-item.ts'

/** What the user has taught the router, with a way to forget each. */
export function RouteExamples({ act }: Pick<SettingContext, 'act'>) {
  const [examples, setExamples] = useState<readonly RouteExample[]>([])
  const [forgotten, setForgotten] = useState(0)
  useEffect(() => {
    const over = { isOver: false }
    const read = async () => host().routing.examples()
    read().then(
      (found) => {
        if (!over.isOver) setExamples(found)
      },
      // Without them the setting can be changed all the same.
      () => undefined,
    )
    return () => {
      over.isOver = true
    }
    // One fewer: what the host has is read again.
  }, [forgotten])
  if (examples.length === 0) return null
  return (
    <section className={styles['examples']} aria-label="Examples for the router">
      <p className={styles['title']}>
        {examples.length === 1 ? '1 example' : `${String(examples.length)} examples`}
      </p>
      <ul>
        {examples.map(({ id, text, label }) => (
          <li key={id}>
            <span className={styles['text']} title={text}>
              {text}
            </span>
            <span className={styles['label']}>{label}</span>
            <Button
              look="quiet"
              icon="trash"
              aria-label={`Forget the example “${text.slice(0, 60)}”`}
              title="Forget this example"
              onClick={() =>
                act(async () => {
                  await host().routing.forget({ id })
                  setForgotten((count) => count + 1)
                })
              }
            />
          </li>
        ))}
      </ul>
    </section>
  )
}
