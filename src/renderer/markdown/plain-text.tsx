import { memo, useMemo, useState } from 'react'
import { formatCount } from '../ui/format.ts'
import { harmlessText } from './harmless-text.ts'
import styles from './plain-text.module.css'

/** Characters that go onto the page at once; the rest follows at a press. */
const shownCharacters = 200_000
/** Characters of a piece: what the browser lays out as one. */
const pieceCharacters = 8000

/** Text as it is, without Markdown. However long it is, it goes onto the page in parts. */
export const PlainText = memo(function PlainText({ text }: { readonly text: string }) {
  const [limit, setLimit] = useState(shownCharacters)
  const pieces = useMemo(() => splitPieces(text.slice(0, limit)), [text, limit])
  return (
    <div className={styles['text']}>
      {pieces.map((piece, index) => (
        <div key={index} className={pieces.length > 1 ? styles['piece'] : undefined}>
          {harmlessText(piece)}
        </div>
      ))}
      <MoreButton hidden={text.length - limit} onMore={() => setLimit(limit + shownCharacters)} />
    </div>
  )
})

/** Says how much of a text is not on the page yet, and brings more of it. Nothing when all is there. */
export function MoreButton({ hidden, onMore }: { readonly hidden: number; readonly onMore: () => void }) {
  if (hidden <= 0) return null
  return (
    <button type="button" className={styles['more']} onClick={onMore}>
      {`Show more: ${formatCount(hidden)} characters are left`}
    </button>
  )
}

/** Cuts a text into pieces, at the end of a line or at a space where there is one in reach, else where it stands. Pure. */
export function splitPieces(text: string, characters = pieceCharacters): readonly string[] {
  const pieces: string[] = []
  let start = 0
  while (text.length - start > characters) {
    const end = start + characters
    const line = text.lastIndexOf('\n', end - 1)
    const space = text.lastIndexOf(' ', end - 1)
    const at =
      line >= start + characters / 2
        ? line + 1
        : space >= start + characters / 2
          ? space + 1
          : wholeCharacter(text, end)
    // The line's end is what separates two pieces.
    pieces.push(text[at - 1] === '\n' ? text.slice(start, at - 1) : text.slice(start, at))
    start = at
  }
  pieces.push(text.slice(start))
  return pieces
}

function wholeCharacter(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}
