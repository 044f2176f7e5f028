const storageKey = 'plenum.commands.recent'
const mostKept = 8

/** Ids of the commands that were run from the palette last, newest first. */
export function recentCommands(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(storageKey) ?? '[]')
    return Array.isArray(kept) ? kept.filter((id) => typeof id === 'string') : []
  } catch {
    return []
  }
}

/** Remembers that a command was run. */
export function rememberCommand(id: string): void {
  const kept = [id, ...recentCommands().filter((known) => known !== id)].slice(0, mostKept)
  localStorage.setItem(storageKey, JSON.stringify(kept))
}
