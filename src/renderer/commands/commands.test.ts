// @vitest-environment jsdom
import { expect, test, vi } from 'vitest'
import type { PressedKey } from '../ui/shortcut.ts'
import type { Answer, Turn } from '../../contract/conversation.ts'
import { useApp, type AppState } from '../store.ts'
import { appCommands } from './app-commands.ts'
import type { Command } from './command.ts'
import { commandOfKey } from './command-keys.ts'
import { availableCommands } from './commands.ts'
import { localKeys } from './local-keys.ts'
import { rankCommands } from './rank-commands.ts'

function command(id: string, title: string, more: Partial<Command> = {}): Command {
  return { id, title, section: 'Window', run: vi.fn(), ...more }
}

function press(key: string, options: Partial<PressedKey> = {}): PressedKey {
  return { key, code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...options }
}

/** Of the first to ninth model in memory: see commands.ts. */
const keysOfModels = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((nth) => [
  `Alt+${String(nth)}`,
  `Alt+Shift+${String(nth)}`,
])

test('no two commands have the same id, title or key', () => {
  const values = [
    appCommands.map(({ id }) => id),
    appCommands.map(({ title }) => title),
    [...appCommands.flatMap(({ keys = [] }) => keys), ...keysOfModels],
  ]
  for (const all of values) expect(all.filter((value, at) => all.indexOf(value) !== at)).toEqual([])
  const own = new Set(appCommands.flatMap(({ keys = [] }) => keys))
  const titles = localKeys.map(({ section, title }) => `${section}: ${title}`)
  expect(new Set(titles).size).toBe(titles.length)
  expect(localKeys.flatMap(({ keys }) => keys).filter((key) => own.has(key))).toEqual([])
})

// But for Ctrl+F: the browser's own search sees only what is drawn of a long conversation.
test('no command takes a key that moves within text, or one that browsers keep to themselves', () => {
  const taken = ['Mod+A', 'Mod+C', 'Mod+V', 'Mod+X', 'Mod+Z', 'Mod+Y', 'Mod+P', 'Mod+R', 'Mod+S']
  const kept = [
    'Mod+N',
    'Mod+T',
    'Mod+W',
    'Mod+Shift+N',
    'Mod+Shift+T',
    'Mod+Tab',
    'Mod+1',
    'F5',
    'F11',
    'F12',
  ]
  const keys = appCommands.flatMap((each) => each.keys ?? [])
  expect(keys.filter((key) => [...taken, ...kept].includes(key))).toEqual([])
})

test('a sign is text in a field, and a command elsewhere', () => {
  const help = command('help.shortcuts', 'Show all shortcuts', { keys: ['Mod+/', '?'] })
  const question = press('?', { shiftKey: true })
  expect(commandOfKey([help], question, { isField: false, isModal: false })).toBe(help)
  expect(commandOfKey([help], question, { isField: true, isModal: false })).toBeNull()
  expect(commandOfKey([help], press('/', { ctrlKey: true }), { isField: true, isModal: false })).toBe(help)
})

test('under a dialog that waits for an answer only the overlays hear their keys', () => {
  const settings = command('window.settings', 'Open the settings', { keys: ['Mod+,'] })
  const palette = command('help.palette', 'Find a command', { keys: ['Mod+K'] })
  const at = { isField: false, isModal: true }
  expect(commandOfKey([settings, palette], press(',', { ctrlKey: true }), at)).toBeNull()
  expect(commandOfKey([settings, palette], press('k', { ctrlKey: true }), at)).toBe(palette)
})

test('with nothing typed the commands that were used lately are first, newest before older', () => {
  const all = [command('a', 'Alpha'), command('b', 'Beta'), command('c', 'Gamma')]
  const ids = rankCommands(all, { query: '', recent: ['c', 'b'] }).map((item) => item.command.id)
  expect(ids).toEqual(['c', 'b', 'a'])
})

test('titles go before other words, a leading > is passed over, and what matches nothing is not there', () => {
  const all = [
    command('library', 'Open the library', { words: 'models gguf' }),
    command('menu', 'Choose the model of the next turn'),
    command('new', 'New conversation'),
  ]
  const ids = (query: string) => rankCommands(all, { query, recent: [] }).map((item) => item.command.id)
  expect(ids('model')).toEqual(['menu', 'library'])
  expect(ids('> gguf')).toEqual(['library'])
  expect(ids('xyz')).toEqual([])
})

test('what can be done follows the state: nothing is stopped when nothing runs', () => {
  const ids = availableCommands({ ...useApp.getState(), conversationId: null }).map(({ id }) => id)
  expect(ids).toContain('conversation.new')
  expect(ids).not.toContain('conversation.stop')
})

test('what can be done with a turn follows how it stands', () => {
  const answer = (id: string, state: Answer['state']): Answer => ({
    ...{ id, modelId: 'm', modelName: 'M', text: 'So', state, stats: null, createdAt: 0 },
  })
  const cut = answer('cut', { kind: 'done', stopReason: 'stopped' })
  const done = answer('done', { kind: 'done', stopReason: 'end' })
  const running = answer('running', { kind: 'writing' })
  const idsWith = (answers: Answer[], more: Partial<Turn> = {}) => {
    const turn = {
      ...{ id: 't', parentId: null, parentAnswerId: null, siblingIds: ['t'], text: 'Why', createdAt: 0 },
      ...{ answers, chosenAnswerId: answers[0]?.id ?? '', isUndecided: false, ...more },
    }
    const state = { ...useApp.getState(), connection: 'open', conversation: { turns: [turn] } } as AppState
    return availableCommands(state)
      .map(({ id }) => id)
      .filter((id) => id.startsWith('turn.'))
  }
  const always = ['turn.edit', 'turn.again', 'turn.again-chosen', 'turn.check', 'turn.branch', 'turn.delete']
  const versions = (of: string) => [`turn.${of}-version -1`, `turn.${of}-version 1`]
  const sorted = (...ids: readonly string[]) => ids.toSorted()
  expect(idsWith([done]).toSorted()).toEqual(sorted(...always))
  expect(idsWith([cut, done]).toSorted()).toEqual(sorted(...always, 'turn.continue', ...versions('answer')))
  expect(idsWith([done, cut], { isUndecided: true }).toSorted()).toEqual(sorted(...always, 'turn.keep'))
  expect(idsWith([done], { siblingIds: ['t', 'u'] }).toSorted()).toEqual(
    sorted(...always, ...versions('message')),
  )
  expect(idsWith([running])).toEqual([])
})
