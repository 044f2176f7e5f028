import { memo, useId, useState } from 'react'
import type { Answer } from '../../contract/conversation.ts'
import { formatShare, type RoutingDecision } from '../../contract/routing.ts'
import { runningTurnId } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Icon } from '../ui/icon.tsx'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { alternativeFacts, decisionWords, isSaidBy, otherModels, routerWords } from './routing-text.ts'
import styles from './routing-line.module.css'
import { overrule, rememberRouting } from './turn-actions.ts'

/** So many other models are offered beside the line; the others when it is unfolded. */
const mostOffers = 2

type RoutingLineProps = {
  readonly routing: RoutingDecision
  /** Of the answer. While its text grows nothing here is drawn again. */
  readonly answerId: string
  readonly modelId: string
  readonly modelName: string
  /** Only in the last turn others are offered at once. */
  readonly isLast: boolean
}

/** How Auto came to the model of an answer: one quiet line, the rest folded. */
export const RoutingLine = memo(function RoutingLine(props: RoutingLineProps) {
  const { routing, answerId, modelId, modelName, isLast } = props
  const [isShown, setIsShown] = useState(false)
  // An answer that is being written ends when it is overruled; turns before the last wait for it.
  const isBusy = useApp(
    (state) => state.connection !== 'open' || (!isLast && runningTurnId(state.conversation) !== null),
  )
  const { before, name, after } = decisionWords(routing, modelName)
  const { overruledBy } = routing
  const others = otherModels(routing, modelId)
  const hasMore =
    routing.labels.length > 0 || routing.alternatives.length > 0 || !isSaidBy(routing, modelName)
  const offered = isLast && !overruledBy ? others.slice(0, mostOffers) : []
  const line = (
    <>
      {before}
      <b>{name}</b>
      {after}
      {overruledBy && `; you had ${overruledBy.name} answer instead`}
    </>
  )
  return (
    <div className={styles['routing']}>
      {hasMore ? (
        <details open={isShown} onToggle={({ currentTarget }) => setIsShown(currentTarget.open)}>
          <summary className={styles['line']}>
            <Icon name="chevron-right" size={12} />
            <span>{line}</span>
          </summary>
          {isShown && <DecisionDetails {...props} isBusy={isBusy} />}
        </details>
      ) : (
        <p className={styles['plain']}>{line}</p>
      )}
      {offered.length > 0 && !isBusy && !isShown && (
        <span className={styles['offers']}>
          {offered.map((other) => (
            <Button
              key={other.modelId}
              look="quiet"
              icon="swap"
              onClick={() => void overrule(answerId, other.modelId)}
            >
              {`Answer with ${other.name}`}
            </Button>
          ))}
        </span>
      )}
    </div>
  )
})

/** The whole decision: how likely each label was, who else could have answered, and why not. */
function DecisionDetails({
  routing,
  answerId,
  modelId,
  modelName,
  isBusy,
}: RoutingLineProps & { readonly isBusy: boolean }) {
  const id = useId()
  const models = useApp((state) => state.models)
  const { labels, label, alternatives, reason } = routing
  const others = otherModels(routing, modelId)
  return (
    <div className={styles['details']}>
      {!isSaidBy(routing, modelName) && <p className={styles['reason']}>{reason}</p>}
      {labels.length > 0 && (
        <section aria-labelledby={`${id}labels`}>
          <h3 id={`${id}labels`}>What kind of message</h3>
          <ul className={styles['labels']}>
            {labels.map(({ name, probability }) => (
              <li key={name} data-followed={name === label || undefined}>
                <span>{name}</span>
                <span
                  className={styles['bar']}
                  style={{ inlineSize: `${String(100 * probability)}%` }}
                  aria-hidden="true"
                />
                <span className={styles['share']}>{formatShare(probability)}</span>
              </li>
            ))}
          </ul>
          <p className={styles['note']}>{routerWords(routing)}</p>
        </section>
      )}
      {alternatives.length > 0 && (
        <section aria-labelledby={`${id}models`}>
          <h3 id={`${id}models`}>Who could answer</h3>
          <ul className={styles['models']}>
            {alternatives.map((each) => {
              const colour = models.find((model) => model.id === each.modelId)?.colour ?? null
              return (
                <li key={`${each.modelId} ${each.label}`}>
                  <ModelSwatch colour={colour} hollow={!each.isResident} />
                  <span className={styles['who']}>
                    <span>
                      <b>{each.name}</b> <span className={styles['facts']}>{alternativeFacts(each)}</span>
                    </span>
                    <span className={styles['why']}>{each.whyNot ?? 'Chosen'}</span>
                  </span>
                </li>
              )
            })}
          </ul>
          <span className={styles['again']}>
            {others.map((other) => (
              <Button
                key={other.modelId}
                icon="swap"
                disabled={isBusy}
                onClick={() => void overrule(answerId, other.modelId)}
              >
                {`Answer with ${other.name}`}
              </Button>
            ))}
          </span>
        </section>
      )}
    </div>
  )
}

/** Whom the user's choice took the place of, and whether Auto learns from that. */
export const OverruledLine = memo(function OverruledLine({ overruled }: { readonly overruled: Answer }) {
  const learns = useApp(({ settings }) => settings?.learnsRouting ?? 'never')
  const isRemembered = overruled.routing?.overruledBy?.isRemembered === true
  return (
    <div className={styles['routing']}>
      <p className={styles['plain']}>
        {`Your choice instead of ${overruled.modelName}, whom Auto chose`}
        {isRemembered && ' · remembered as an example for Auto'}
      </p>
      {!isRemembered && learns === 'ask' && (
        <span className={styles['offers']}>
          <Button look="quiet" icon="check" onClick={() => void rememberRouting(overruled.id)}>
            Remember this for Auto
          </Button>
        </span>
      )}
    </div>
  )
})
