import { useRef } from 'react'
import { openPane } from '../panes.ts'
import { IconButton } from '../ui/icon-button.tsx'
import { Icon } from '../ui/icon.tsx'
import { ariaChord, chordText } from '../ui/shortcut.ts'
import styles from './search.module.css'

/** As the list of commands has it. */
const searchKeys = 'Mod+Shift+F'

/** Gives the focus to the search box, also where the list has to be opened first. */
export function focusSearch(): void {
  openPane('list')
  const input = document.querySelector<HTMLInputElement>('[data-search]')
  input?.focus()
  input?.select()
}

type SearchBoxProps = { readonly query: string; readonly onQuery: (query: string) => void }

/** Where one writes what is looked for in all conversations (Ctrl+Shift+F). The arrow keys lead to the results, Escape back. */
export function SearchBox({ query, onQuery }: SearchBoxProps) {
  const before = useRef<Element | null>(null)
  return (
    <search className={styles['box']} aria-label="Conversations">
      <Icon name="search" size={14} />
      <input
        type="search"
        aria-label="Search conversations"
        aria-keyshortcuts={ariaChord(searchKeys)}
        title={`Search conversations (${chordText(searchKeys)})`}
        placeholder="Search"
        data-search=""
        value={query}
        maxLength={500}
        autoComplete="off"
        spellCheck={false}
        onFocus={({ relatedTarget }) => {
          before.current = relatedTarget
        }}
        onChange={(event) => onQuery(event.target.value)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return
          if (event.key === 'Escape') {
            // Elsewhere Escape would close the list where it is open over the page.
            event.stopPropagation()
            event.preventDefault()
            if (query !== '') onQuery('')
            else if (before.current instanceof HTMLElement) before.current.focus()
          } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
            const first = document.querySelector<HTMLElement>('[data-hit]')
            if (event.key === 'Enter') first?.click()
            else first?.focus()
            if (first) event.preventDefault()
          }
        }}
      />
      {query === '' ? (
        <kbd>{chordText(searchKeys, { short: true })}</kbd>
      ) : (
        <IconButton icon="close" label="Clear the search" onClick={() => onQuery('')} />
      )}
    </search>
  )
}
