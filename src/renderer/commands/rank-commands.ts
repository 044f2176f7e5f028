import type { Command } from './command.ts'
import { matchText } from './match-text.ts'

/** A command as the palette shows it. */
export type RankedCommand = {
  readonly command: Command
  /** Indexes of the letters of its title that were meant. */
  readonly marks: readonly number[]
  readonly isRecent: boolean
}

/** A command that was used lately goes before one that matches as well. */
const recentBonus = 6

/**
 * The commands that match what was typed, best first; with nothing typed all of them, the recent ones first. A leading ">", as other
 * palettes want it, is passed over. Pure.
 */
export function rankCommands(
  commands: readonly Command[],
  { query, recent }: { readonly query: string; readonly recent: readonly string[] },
): readonly RankedCommand[] {
  const text = query.replace(/^\s*>/, '').trim()
  const ranked = commands.flatMap((command, order) => {
    const found = findCommand(command, text)
    if (!found) return []
    const at = recent.indexOf(command.id)
    const isRecent = at !== -1
    const score =
      text === '' ? (isRecent ? recent.length - at : 0) : found.score + (isRecent ? recentBonus : 0)
    return [{ command, marks: found.marks, isRecent, score, order }]
  })
  return ranked.sort((a, b) => b.score - a.score || a.order - b.order)
}

/** By its title; else by title, section and other words together, which counts less and marks nothing. */
function findCommand(
  { title, section, words = '' }: Command,
  text: string,
): { readonly score: number; readonly marks: readonly number[] } | null {
  const inTitle = matchText(title, text)
  if (inTitle) return inTitle
  // Whole beginnings of words only: scattered letters in words that are not seen would surprise.
  const hidden = `${title} ${section} ${words}`.toLowerCase().split(/\s+/)
  const all = text
    .toLowerCase()
    .split(/\s+/)
    .every((part) => hidden.some((word) => word.startsWith(part)))
  return all ? { score: 0, marks: [] } : null
}
