import { useRef } from 'react'
import { Icon } from '../ui/icon.tsx'
import styles from './composer.module.css'
import { attachFiles } from './draft-attachments.ts'

/** Chooses files whose text goes with the message. */
export function AttachButton({ onDone }: { readonly onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label="Files to attach"
        onChange={(event) => {
          void attachFiles([...(event.target.files ?? [])])
          event.target.value = ''
          onDone()
        }}
      />
      <button
        type="button"
        className={styles['tool']}
        data-attach=""
        aria-label="Attach files"
        title="Attach text, code or PDF files"
        onClick={() => input.current?.click()}
      >
        <Icon name="paperclip" />
      </button>
    </>
  )
}

/** Opens the choice of files to attach. */
export function chooseAttachments(): void {
  document.querySelector<HTMLElement>('[data-attach]')?.click()
}
