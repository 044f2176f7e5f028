import { expect, test } from 'vitest'
import { ariaChord, chordText, matchesChord, type PressedKey } from './shortcut.ts'

function press(key: string, options: Partial<PressedKey> = {}): PressedKey {
  return { key, code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...options }
}

test('Mod is Ctrl, and the command key on a Mac', () => {
  const control = press('k', { ctrlKey: true })
  const command = press('k', { metaKey: true })
  expect(matchesChord(control, 'Mod+K', false)).toBe(true)
  expect(matchesChord(control, 'Mod+K', true)).toBe(false)
  expect(matchesChord(command, 'Mod+K', true)).toBe(true)
  expect(matchesChord(command, 'Mod+K', false)).toBe(false)
  expect(matchesChord(control, 'Ctrl+K', true)).toBe(true)
})

test('a chord with more or fewer modifiers is another one', () => {
  expect(matchesChord(press('O', { ctrlKey: true, shiftKey: true }), 'Mod+Shift+O', false)).toBe(true)
  expect(matchesChord(press('o', { ctrlKey: true }), 'Mod+Shift+O', false)).toBe(false)
  expect(matchesChord(press('o', { ctrlKey: true, altKey: true }), 'Mod+O', false)).toBe(false)
})

test('letters are known by their place where the layout types others', () => {
  expect(matchesChord(press('л', { code: 'KeyK', ctrlKey: true }), 'Mod+K', false)).toBe(true)
  expect(matchesChord(press('∫', { code: 'KeyB', metaKey: true, altKey: true }), 'Mod+Alt+B', true)).toBe(
    true,
  )
  // Dvorak: the key in the place of K types t.
  expect(matchesChord(press('t', { code: 'KeyK', ctrlKey: true }), 'Mod+K', false)).toBe(false)
})

test('a sign is the same with or without Shift, a digit is a place', () => {
  expect(matchesChord(press('/', { ctrlKey: true, shiftKey: true }), 'Mod+/', false)).toBe(true)
  expect(matchesChord(press('?', { shiftKey: true }), '?', false)).toBe(true)
  expect(matchesChord(press('¡', { code: 'Digit1', altKey: true }), 'Alt+1', true)).toBe(true)
})

test('chords are written as the platform does', () => {
  expect(chordText('Mod+Shift+O', { onMac: false })).toBe('Ctrl+Shift+O')
  expect(chordText('Mod+Shift+O', { onMac: false, short: true })).toBe('Ctrl⇧O')
  expect(chordText('Mod+Alt+B', { onMac: true })).toBe('⌥⌘B')
  expect(chordText('Alt+ArrowDown', { onMac: false })).toBe('Alt+↓')
  expect(chordText('Mod++', { onMac: false })).toBe('Ctrl++')
  expect(ariaChord('Mod+Shift+P', false)).toBe('Control+Shift+P')
  expect(ariaChord('Mod+Shift+P', true)).toBe('Meta+Shift+P')
})
