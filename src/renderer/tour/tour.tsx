import { useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { focusComposer } from '../chat/composer.tsx'
import { endTour, showTour, useApp, type AppState } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { placeBeside } from './place-beside.ts'
import { tourSteps, type TourStep } from './tour-steps.ts'
import styles from './tour.module.css'

/** The first steps in the app, beside what they are about. It takes nothing away: everything can be used while it is there. */
export function Tour() {
  const at = useApp(stepOf)
  const step = at === null ? undefined : tourSteps[at]
  return step === undefined || at === null ? null : <TourCard at={at} step={step} />
}

/** By itself once for each data folder, as soon as there is something to point at; later when it is asked for. */
function stepOf({ tourStep, settings, pool }: AppState): number | null {
  if (tourStep !== null) return tourStep
  return settings !== null && !settings.isTourSeen && pool !== null ? 0 : null
}

function TourCard({ at, step }: { readonly at: number; readonly step: TourStep }) {
  const card = useRef<HTMLElement>(null)
  const ring = useRef<HTMLDivElement>(null)
  const next = useRef<HTMLDivElement>(null)
  // Asked for: the focus comes along. By itself it takes the focus from nobody.
  const [wasAsked] = useState(() => useApp.getState().tourStep !== null)
  useEffect(() => {
    if (wasAsked) next.current?.querySelector('button')?.focus()
  }, [wasAsked])
  useEffect(() => {
    const place = () => {
      const target = step.targets
        .map((selector) => document.querySelector<HTMLElement>(selector))
        .find((element) => element?.checkVisibility())
      if (card.current && ring.current && target)
        placeBeside(target, { card: card.current, ring: ring.current })
    }
    place()
    // Panes and blocks move while models load: whatever changes the target's size moves it too.
    const observer = new ResizeObserver(place)
    observer.observe(document.body)
    for (const selector of step.targets)
      for (const element of document.querySelectorAll(selector)) observer.observe(element)
    return () => observer.disconnect()
  }, [step])
  const isLast = at === tourSteps.length - 1
  const leave = () => {
    const hadFocus = card.current?.contains(document.activeElement) === true
    endTour()
    if (hadFocus) focusComposer()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return
    event.preventDefault()
    event.stopPropagation()
    leave()
  }
  return (
    <>
      <div ref={ring} className={styles['ring']} aria-hidden="true" />
      {/* Escape is a short cut here; the button does the same. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <section ref={card} className={styles['card']} aria-label="Tour" onKeyDown={onKeyDown}>
        <div role="status" className={styles['words']}>
          <p className={styles['count']}>{`${String(at + 1)} of ${String(tourSteps.length)}`}</p>
          <h2 className={styles['title']}>{step.title}</h2>
          <p>{step.text}</p>
        </div>
        <div className={styles['buttons']}>
          <Button look="quiet" onClick={leave}>
            Skip the tour
          </Button>
          {at > 0 && <Button onClick={() => showTour(at - 1)}>Back</Button>}
          <div ref={next}>
            <Button look="primary" onClick={() => (isLast ? leave() : showTour(at + 1))}>
              {isLast ? 'Done' : 'Next'}
            </Button>
          </div>
        </div>
      </section>
    </>
  )
}
