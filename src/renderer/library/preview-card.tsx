import { useLayoutEffect, useRef, type KeyboardEvent, type MouseEvent } from 'react'
import type { KvType, LibraryModel } from '../../contract/model.ts'
import { focusComposer } from '../chat/composer.tsx'
import { dismissProposal, loadProposed, openSettings, proposeLoad, type Proposal } from '../proposal.ts'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import { ModelSwatch } from '../ui/model-swatch.tsx'
import { ProblemText } from '../ui/problem-text.tsx'
import { RangeField } from '../ui/range-field.tsx'
import { contextSteps } from './context-steps.ts'
import styles from './preview-card.module.css'
import { PreviewFigures } from './preview-figures.tsx'
import type { PreviewAnswer } from './use-preview.ts'

type PreviewCardProps = {
  readonly proposal: Proposal
  readonly model: LibraryModel
  readonly answer: PreviewAnswer
  /** How it came here, in a word. */
  readonly note: string
  /** With how many tokens contexts begin, unless a model says otherwise. */
  readonly startTokens: number
}

/**
 * What a load would take, before it happens, with what it depends on most: context size and KV type. Enter loads, Escape leaves everything as it
 * is. A model that was dropped takes the keyboard, for its card answers what the user has just done.
 */
export function PreviewCard({ proposal, model, answer, note, startTokens }: PreviewCardProps) {
  const { options, from } = proposal
  const card = useRef<HTMLElement>(null)
  useLayoutEffect(() => {
    const element = card.current
    if (!element || from !== 'drop') return
    const before = document.activeElement
    element.querySelector<HTMLElement>('[data-load]')?.focus()
    return () => {
      if (!element.contains(document.activeElement)) return
      if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus()
      else focusComposer()
    }
  }, [from])
  const preview = answer?.kind === 'preview' ? answer.preview : null
  const verdict = preview?.verdict.kind
  const canLoad = verdict === 'fits' || verdict === 'evicts' || verdict === 'waits'
  const load = () => {
    if (canLoad) void loadProposed(proposal)
  }
  // Advice that was taken is gone with the next preview, and the focus with it: on to what comes after it.
  const onClick = ({ target }: MouseEvent) => {
    if (target instanceof Element && target.closest('li'))
      card.current?.querySelector<HTMLElement>('[data-load]')?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape') dismissProposal(proposal)
    // Buttons have an Enter of their own.
    else if (event.key === 'Enter' && !(event.target instanceof HTMLButtonElement)) load()
    else return
    event.stopPropagation()
    event.preventDefault()
  }
  const trainTokens = model.file.kind === 'usable' ? model.file.facts.trainContextTokens : 0
  const contextTokens = options.contextTokens ?? preview?.contextTokens
  const isGrowing = (options.startContextTokens ?? preview?.startContextTokens ?? 0) < (contextTokens ?? 0)
  const kvType = options.kvType ?? model.loadOptions.kvType ?? 'f16'
  return (
    // Enter and Escape are short cuts for the card's own buttons.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <article
      ref={card}
      className={styles['card']}
      data-verdict={verdict}
      aria-label={model.name}
      onClick={onClick}
      onKeyDown={onKeyDown}
    >
      <header className={styles['header']}>
        <ModelSwatch colour={model.colour} hollow />
        <h3 className={styles['name']} title={model.name}>
          {model.name}
        </h3>
        <p className={styles['note']}>{note}</p>
      </header>
      {answer?.kind === 'problem' && <ProblemText problem={answer.problem} />}
      {preview && <PreviewFigures preview={preview} />}
      {contextTokens !== undefined && (
        <div className={styles['controls']}>
          <RangeField
            label="Context"
            steps={contextSteps(trainTokens, contextTokens)}
            value={contextTokens}
            text={(tokens) => `${isGrowing ? 'up to ' : ''}${formatCount(tokens)} tokens`}
            // What is chosen here is reserved from the start, so that the picture shows what it takes; the check takes that back.
            onSlide={(tokens) =>
              proposeLoad({ ...proposal, options: { contextTokens: tokens, startContextTokens: tokens } })
            }
          />
          <KvTypeField
            value={kvType}
            onChoose={(type) => proposeLoad({ ...proposal, options: { kvType: type } })}
          />
          {contextTokens > startTokens && (
            <label className={styles['reserve']}>
              <input
                type="checkbox"
                checked={!isGrowing}
                onChange={({ target }) =>
                  proposeLoad({
                    ...proposal,
                    options: {
                      contextTokens,
                      startContextTokens: target.checked ? contextTokens : startTokens,
                    },
                  })
                }
              />
              Reserve all of it from the start
            </label>
          )}
        </div>
      )}
      <div className={styles['buttons']}>
        {/* Not disabled: what has the focus would lose it while the slider is on the wrong side. */}
        <Button look="primary" data-load aria-disabled={!canLoad} onClick={load}>
          Load
        </Button>
        <Button onClick={() => dismissProposal(proposal)}>Cancel</Button>
        <Button
          look="quiet"
          icon="settings"
          aria-label="Load settings"
          onClick={() => void openSettings(proposal)}
        >
          Settings
        </Button>
      </div>
    </article>
  )
}

function KvTypeField({
  value,
  onChoose,
}: {
  readonly value: KvType
  readonly onChoose: (type: KvType) => void
}) {
  return (
    <fieldset className={styles['kvType']}>
      <legend>KV cache</legend>
      {(['f16', 'q8_0'] as const).map((type) => (
        <label key={type} className={styles['choice']}>
          <input
            type="radio"
            name="proposed-kv-type"
            className="visually-hidden"
            checked={value === type}
            onChange={() => onChoose(type)}
          />
          {type}
        </label>
      ))}
    </fieldset>
  )
}
