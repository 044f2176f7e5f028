/** Whether this is a Mac, whose shortcuts use ⌘ and ⌥. */
const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent)

/** How a shortcut with Ctrl (⌘ on a Mac) is written: `commandKeys('Shift', 'O')` is "Ctrl+Shift+O" or "⌘⇧O". */
export function commandKeys(...keys: readonly string[]): string {
  return isMac ? `⌘${keys.map((key) => (key === 'Shift' ? '⇧' : key)).join('')}` : ['Ctrl', ...keys].join('+')
}

/** How a shortcut with Alt (⌥ on a Mac) is written. */
export function altKeys(key: string): string {
  return isMac ? `⌥${key}` : `Alt+${key}`
}
