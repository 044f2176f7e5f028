import { useState } from 'react'
import type { Attachment, TurnCost } from '../../contract/attachment.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { Button } from '../ui/button.tsx'
import { formatCount } from '../ui/format.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { Icon } from '../ui/icon.tsx'
import styles from './attachment-chips.module.css'
import { AttachmentDialog } from './attachment-dialog.tsx'
import { cutAttachment, pasteAsText, removeAttachment, type DraftAttachment } from './draft-attachments.ts'
import { excessOf, shareText } from './attachment-cost.ts'

type AttachmentChipsProps = {
  readonly attachments: readonly DraftAttachment[]
  /** The model that would read them. */
  readonly model: LibraryModel | null
  /** What the message costs with them; null until that is known. */
  readonly cost: TurnCost | null
}

/** The attachments of a message that is being written: what each takes of the context, and what can be done when that is too much. */
export function AttachmentChips({ attachments, model, cost }: AttachmentChipsProps) {
  const [shown, setShown] = useState<Attachment | null>(null)
  const ready = attachments.filter((each) => each.kind === 'ready')
  // Counts are of those that were there when they were asked for.
  const counts = cost?.attachmentTokens.length === ready.length ? cost.attachmentTokens : null
  const excess =
    model && cost && counts
      ? excessOf(
          cost,
          ready.map(({ attachment }) => attachment),
        )
      : null
  const tooLarge = excess === null ? undefined : ready[excess.index]
  return (
    <>
      <ul className={styles['chips']} aria-label="Attachments">
        {attachments.map((each) => {
          const name = each.kind === 'ready' ? each.attachment.name : each.name
          const tokens = each.kind === 'ready' ? counts?.[ready.indexOf(each)] : undefined
          return (
            <li key={each.key} className={styles['chip']} data-excess={each === tooLarge || undefined}>
              <Icon
                name={each.kind === 'ready' && each.attachment.kind === 'pasted' ? 'copy' : 'file'}
                size={14}
              />
              {each.kind === 'reading' ? (
                <span className={styles['words']} role="status">{`Reading ${name}`}</span>
              ) : (
                <button type="button" className={styles['open']} onClick={() => setShown(each.attachment)}>
                  <span className={styles['name']}>{name}</span>
                  <span className={styles['facts']}>
                    {describeAttachment(each.attachment)}
                    {tokens !== undefined && cost && ` · ${shareText(tokens, cost)}`}
                  </span>
                </button>
              )}
              {each.kind === 'ready' && each.attachment.kind === 'pasted' && (
                <Button look="quiet" onClick={() => void pasteAsText(each.key, each.attachment)}>
                  Paste as text
                </Button>
              )}
              <IconButton
                icon="close"
                iconSize={12}
                label={`Remove ${name}`}
                onClick={() => removeAttachment(each.key)}
              />
            </li>
          )
        })}
      </ul>
      {model && cost && excess && tooLarge && (
        <div className={styles['excess']} role="status">
          <p>
            {`The message needs ${cost.isExact ? '' : 'about '}${formatCount(cost.aloneTokens)} tokens, ${model.name}’s context holds ${formatCount(cost.contextTokens)}. `}
            {excess.fitsTokens === null
              ? 'Nothing of the attachment would fit.'
              : `About ${formatCount(excess.fitsTokens)} of the ${formatCount(excess.tokens)} tokens of ${tooLarge.attachment.name} would fit.`}
          </p>
          <div className={styles['buttons']}>
            {excess.fitsTokens !== null && (
              <Button
                onClick={() =>
                  void cutAttachment(tooLarge.key, {
                    ...{ id: tooLarge.attachment.id, modelId: model.id },
                    tokens: excess.fitsTokens ?? 1,
                  })
                }
              >
                Cut to what fits
              </Button>
            )}
            <Button
              onClick={() => removeAttachment(tooLarge.key)}
            >{`Remove ${tooLarge.attachment.name}`}</Button>
          </div>
        </div>
      )}
      {shown && <AttachmentDialog attachment={shown} onClose={() => setShown(null)} />}
    </>
  )
}

const kinds = { text: 'Text', pdf: 'PDF', pasted: 'Pasted' } as const

/** Kind and size of an attachment, and what was left out. */
export function describeAttachment({ kind, characters, cutFromCharacters }: Attachment): string {
  const size = `${kinds[kind]}, ${formatCount(characters)}`
  return cutFromCharacters === undefined
    ? `${size} characters`
    : `${size} of ${formatCount(cutFromCharacters)} characters, the rest is left out`
}
