/** Whether this is a Mac, whose shortcuts use ⌘ and ⌥. */
const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent)

/** How a shortcut with Ctrl (⌘ on a Mac) is written in little space: `commandKeys('⇧O')` is "Ctrl⇧O" or "⌘⇧O". */
export function commandKeys(keys: string): string {
  return `${isMac ? '⌘' : 'Ctrl'}${keys}`
}

/** How a shortcut with Alt (⌥ on a Mac) is written. */
export function altKeys(key: string): string {
  return isMac ? `⌥${key}` : `Alt ${key}`
}
