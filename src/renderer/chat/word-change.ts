import { diffLines, diffWordsWithSpace } from 'diff'

/** A stretch of two texts: in both, only in the old one, or only in the new one. */
export type ChangePart = { readonly kind: 'same' | 'removed' | 'added'; readonly text: string }

/** So long may two texts be compared, in milliseconds; what differs much takes long. */
const limitMs = 300

/**
 * What differs between two texts, word by word; where that takes too long, line by line, and at last as a whole. Its library is loaded
 * with it: import it when it is needed.
 */
export function wordChange(before: string, after: string): readonly ChangePart[] {
  const parts =
    diffWordsWithSpace(before, after, { timeout: limitMs }) ?? diffLines(before, after, { timeout: limitMs })
  if (!parts)
    return [
      { kind: 'removed', text: before },
      { kind: 'added', text: after },
    ]
  return joined(
    parts.map(({ value, added, removed }) => ({
      kind: added ? 'added' : removed ? 'removed' : 'same',
      text: value,
    })),
  )
}

/** Changes with nothing but a space between them are one change: what is read word by word in turns nobody can follow. */
function joined(parts: readonly ChangePart[]): readonly ChangePart[] {
  const whole: ChangePart[] = []
  const run = { removed: '', added: '' }
  const end = () => {
    if (run.removed !== '') whole.push({ kind: 'removed', text: run.removed })
    if (run.added !== '') whole.push({ kind: 'added', text: run.added })
    run.removed = run.added = ''
  }
  parts.forEach(({ kind, text }, index) => {
    const isInside = index > 0 && parts[index + 1]?.kind !== 'same' && index + 1 < parts.length
    if (kind === 'same' && !(isInside && /^[ \t]*$/.test(text))) {
      end()
      whole.push({ kind, text })
      return
    }
    if (kind !== 'added') run.removed += text
    if (kind !== 'removed') run.added += text
  })
  end()
  return whole
}

/** How much was changed, in words: "3 words removed, 5 added", "Nothing was changed". Pure. */
export function changeText(parts: readonly ChangePart[]): string {
  const words = (kind: ChangePart['kind']) =>
    parts.reduce(
      (sum, part) => sum + (part.kind === kind ? part.text.split(/\s+/).filter(Boolean).length : 0),
      0,
    )
  const [removed, added] = [words('removed'), words('added')]
  if (parts.every(({ kind }) => kind === 'same')) return 'Nothing was changed'
  return `${removed === 1 ? '1 word' : `${String(removed)} words`} removed, ${String(added)} added`
}
