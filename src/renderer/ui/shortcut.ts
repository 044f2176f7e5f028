/**
 * A combination of keys: modifiers in the order Mod, Ctrl, Alt, Shift, then a key as `KeyboardEvent.key` names it, letters in
 * upper case: "Mod+Shift+O", "Alt+1", "F6", "?". `Mod` is Ctrl, and ⌘ on a Mac.
 */
export type Chord = string

/** What of a pressed key a chord is compared with. */
export type PressedKey = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>

/** Whether this is a Mac, whose shortcuts use ⌘ and ⌥. */
export const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent)

/** Whether a pressed key is this chord. Pure. */
export function matchesChord(pressed: PressedKey, chord: Chord, onMac = isMac): boolean {
  const { key, modifiers } = parseChord(chord)
  const command = modifiers.has('Mod') && onMac
  const control = modifiers.has('Ctrl') || (modifiers.has('Mod') && !onMac)
  if (pressed.metaKey !== command || pressed.ctrlKey !== control || pressed.altKey !== modifiers.has('Alt'))
    return false
  // Where a sign is on the keyboard, and whether it takes Shift, differs from layout to layout.
  if (/^[^A-Z0-9]$/.test(key)) return pressed.key === key
  if (pressed.shiftKey !== modifiers.has('Shift')) return false
  // Digits by their place: with Alt some layouts type other characters there.
  if (/^\d$/.test(key)) return pressed.code === `Digit${key}`
  if (!/^[A-Z]$/.test(key)) return pressed.key === key
  // Letters by what they type, or by their place where that is no Latin letter: other scripts, and Alt on a Mac.
  return /^[a-z]$/i.test(pressed.key) ? pressed.key.toUpperCase() === key : pressed.code === `Key${key}`
}

/** How a chord is written for people: "Ctrl+Shift+O", on a Mac "⇧⌘O". `short` takes little room: "Ctrl⇧O". */
export function chordText(
  chord: Chord,
  { short = false, onMac = isMac }: { readonly short?: boolean; readonly onMac?: boolean } = {},
): string {
  const { key, modifiers } = parseChord(chord)
  const name = arrows[key] ?? key
  if (onMac) return `${macSigns.map(([of, sign]) => (modifiers.has(of) ? sign : '')).join('')}${name}`
  const words = [...modifiers].map((modifier) => (modifier === 'Mod' ? 'Ctrl' : modifier))
  return short ? [...words, name].join('').replace('Shift', '⇧') : [...words, name].join('+')
}

/** A chord as `aria-keyshortcuts` takes it. */
export function ariaChord(chord: Chord, onMac = isMac): string {
  return chord.replace('Mod', onMac ? 'Meta' : 'Control').replace('Ctrl', 'Control')
}

const arrows: Readonly<Record<string, string>> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
}

type Modifier = 'Mod' | 'Ctrl' | 'Alt' | 'Shift'

// In the order that Macs write them.
const macSigns = [
  ['Ctrl', '⌃'],
  ['Alt', '⌥'],
  ['Shift', '⇧'],
  ['Mod', '⌘'],
] as const satisfies readonly (readonly [Modifier, string])[]

function parseChord(chord: Chord): { readonly key: string; readonly modifiers: ReadonlySet<string> } {
  const parts = chord.split(/\+(?=.)/)
  return { key: parts.at(-1) ?? '', modifiers: new Set(parts.slice(0, -1)) }
}
