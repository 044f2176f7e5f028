import { memo, useLayoutEffect, useMemo, useRef, useState, type RefObject } from 'react'
import { useShallow } from 'zustand/react/shallow'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { chosenAnswer } from '../conversation-mirror.ts'
import { useApp } from '../store.ts'
import { Icon } from '../ui/icon.tsx'
import { AnswerAnnouncer } from './answer-announcer.tsx'
import { focusComposer } from './composer.tsx'
import styles from './transcript.module.css'
import { useNearTurns, type NearTurns } from './near-turns.ts'
import { estimateHeight, TranscriptTurn } from './transcript-turn.tsx'
import { groupAgain, type TurnGroups } from './turn-groups.ts'
import { useFollowEnd } from './use-follow-end.ts'
import { Welcome } from './welcome.tsx'

const noTurns: readonly Turn[] = []

/** The turns of the open conversation. Follows the end while the reader is there. */
export function Transcript() {
  const { conversation, models, isNew, turnToShow } = useApp(
    useShallow((state) => ({
      turnToShow: state.turnToShow,
      conversation: state.conversation,
      models: state.models,
      isNew: state.conversationId === null,
    })),
  )
  const colours = useMemo(() => new Map(models.map(({ id, colour }) => [id, colour])), [models])
  const turns = conversation?.turns ?? noTurns
  const last = turns.at(-1)
  const lastAnswer = last ? chosenAnswer(last) : null
  const { scroller, content, isFollowing, jumpToEnd, letGo } = useFollowEnd(last?.id)
  const near = useNearTurns(scroller)
  const groups = useGroups(turns)
  const memoryStart = lastAnswer?.memoryStartsAtTurnId
  const groupOf = (turnId: string | null | undefined) =>
    turnId == null ? -1 : groups.findIndex((group) => group.some(({ id }) => id === turnId))
  const memoryGroup = groupOf(memoryStart)
  const wantedGroup = groupOf(turnToShow)
  useLayoutEffect(() => {
    if (turnToShow === null || !turns.some(({ id }) => id === turnToShow)) return
    const element = scroller.current?.querySelector<HTMLElement>(`[data-turn="${CSS.escape(turnToShow)}"]`)
    if (!element) return
    useApp.setState({ turnToShow: null })
    letGo()
    near.drawNow(element)
    bringIntoView(element, 4)
  }, [turnToShow, turns, scroller, near, letGo])
  const isEmpty = isNew || (conversation !== null && turns.length === 0)
  return (
    <div className={styles['frame']}>
      <div ref={scroller} className={styles['scroller']}>
        <div
          ref={content}
          className={styles['content']}
          data-empty={isEmpty || undefined}
          aria-busy={!isNew && conversation === null}
        >
          <h2 className="visually-hidden">{conversation?.title ?? 'New conversation'}</h2>
          {isEmpty && <Welcome />}
          {groups.map((group, index) => (
            <TurnGroup
              key={group[0]?.id}
              turns={group}
              colours={colours}
              lastAnswer={index === memoryGroup || index === groups.length - 1 ? lastAnswer : null}
              isLast={index === groups.length - 1}
              isWanted={index === wantedGroup}
              near={near}
              scroller={scroller}
            />
          ))}
        </div>
        {/* Inside of the scroller, so that the wheel goes on working over it. */}
        {!isFollowing && (
          <div className={styles['jump']}>
            <button
              type="button"
              onClick={() => {
                jumpToEnd()
                // The button goes; the focus should not go with it.
                focusComposer()
              }}
            >
              <Icon name="down" size={14} /> Jump to the end
            </button>
          </div>
        )}
      </div>
      <AnswerAnnouncer answer={lastAnswer} />
    </div>
  )
}

/** Once and again: the turns around it are drawn by and by and have their true heights then. */
function bringIntoView(element: HTMLElement, times: number): void {
  element.scrollIntoView({ block: 'start' })
  if (times > 1) requestAnimationFrame(() => bringIntoView(element, times - 1))
}

type TurnGroupProps = {
  readonly turns: readonly Turn[]
  readonly colours: ReadonlyMap<string, number>
  /** Only where it matters: in the group that holds the last turn, or the beginning of the model's memory. */
  readonly lastAnswer: Answer | null
  readonly isLast: boolean
  /** One of its turns is to be shown. */
  readonly isWanted: boolean
  readonly near: NearTurns
  readonly scroller: RefObject<HTMLElement | null>
}

/**
 * Turns that are looked at together: while an answer grows, all other groups are left alone. Until one comes near to what is seen, an empty
 * box of about its height stands in for it.
 */
const TurnGroup = memo(function TurnGroup(props: TurnGroupProps) {
  const { turns, colours, lastAnswer, isLast, isWanted, near, scroller } = props
  const [hasCome, setHasCome] = useState(isLast)
  const place = useRef<HTMLDivElement>(null)
  const isHere = hasCome || isLast || isWanted
  if (isHere && !hasCome) setHasCome(true)
  useLayoutEffect(() => {
    const element = place.current
    if (isHere || !element) return
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) setHasCome(true)
      },
      { root: scroller.current, rootMargin: groupsAhead },
    )
    observer.observe(element)
    return () => observer.disconnect()
  }, [isHere, scroller])
  if (!isHere) {
    const height = turns.reduce((sum, turn) => sum + estimateHeight(turn), 0)
    return <div ref={place} style={{ blockSize: `${String(height)}rem` }} />
  }
  const last = isLast ? turns.at(-1) : undefined
  return turns.map((turn, index) => (
    <TranscriptTurn
      key={turn.id}
      turn={turn}
      colour={colours.get(chosenAnswer(turn).modelId) ?? null}
      isLast={turn === last}
      memoryText={lastAnswer?.memoryStartsAtTurnId === turn.id ? memoryText(lastAnswer) : null}
      near={near}
      isNearEnd={isLast && index >= turns.length - drawnFirst}
    />
  ))
})

/** Groups this far from what is seen are made: three heights of the view. */
const groupsAhead = '300% 0px'
const drawnFirst = 3

type Grouped = { readonly turns: readonly Turn[]; readonly groups: TurnGroups }

/** Turns in groups that keep their identity as long as nothing in them changes. */
function useGroups(turns: readonly Turn[]): TurnGroups {
  const [known, setKnown] = useState<Grouped>({ turns: noTurns, groups: [] })
  if (known.turns === turns) return known.groups
  const next = { turns, groups: groupAgain(turns, known.groups) }
  setKnown(next)
  return next.groups
}

/** Said where a model's memory of the conversation begins, once that is not its beginning. */
export function memoryText({
  modelName,
  memoryKeepsFirstTurn = false,
}: Pick<Answer, 'modelName' | 'memoryKeepsFirstTurn'>): string {
  return `${modelName}’s context holds ${memoryKeepsFirstTurn ? 'the first turn and ' : ''}everything from here on`
}
