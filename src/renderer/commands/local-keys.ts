import type { Chord } from '../ui/shortcut.ts'
import type { Section } from './command.ts'

/** Keys that a place handles itself while it has the focus, for the list of shortcuts. */
export const localKeys: readonly {
  readonly title: string
  readonly section: Section
  /** "Click" stands for a press of the mouse. */
  readonly keys: readonly Chord[]
  /** The keys are the first and the last of several. */
  readonly isRange?: boolean
}[] = [
  { title: 'Send the message', section: 'Conversation', keys: ['Enter'] },
  { title: 'New line in the message', section: 'Conversation', keys: ['Shift+Enter'] },
  { title: 'Name a model that takes the message', section: 'Conversation', keys: ['@'] },
  { title: 'Edit the last message, from the empty box', section: 'Conversation', keys: ['ArrowUp'] },
  { title: 'Paste a long text as text, not as a file', section: 'Conversation', keys: ['Mod+Shift+V'] },
  { title: 'Next or previous hit, in the find bar', section: 'Conversation', keys: ['Enter', 'Shift+Enter'] },
  { title: 'First hit of a search, or into the hits', section: 'Conversation', keys: ['Enter', 'ArrowDown'] },
  { title: 'Rename the conversation', section: 'List of conversations', keys: ['F2'] },
  { title: 'Delete what is selected', section: 'List of conversations', keys: ['Delete'] },
  { title: 'Take a deletion back', section: 'List of conversations', keys: ['Mod+Z'] },
  {
    title: 'Select one more, or one fewer',
    section: 'List of conversations',
    keys: ['Mod+Click', 'Mod+Space'],
  },
  { title: 'Select up to here', section: 'List of conversations', keys: ['Shift+Click', 'Shift+ArrowDown'] },
  { title: 'Select all', section: 'List of conversations', keys: ['Mod+A'] },
  { title: 'First or last of the list', section: 'List of conversations', keys: ['Home', 'End'] },
  { title: 'Save an edit', section: 'Turn', keys: ['Mod+Enter'] },
  { title: 'Leave an edit as it was', section: 'Turn', keys: ['Escape'] },
  { title: 'Other version, between its arrows', section: 'Turn', keys: ['ArrowLeft', 'ArrowRight'] },
  {
    title: 'Ask the first to ninth model in memory next',
    section: 'Models',
    keys: ['Alt+1', 'Alt+9'],
    isRange: true,
  },
  {
    title: 'Ask the first to ninth beside the others',
    section: 'Models',
    keys: ['Alt+Shift+1', 'Alt+Shift+9'],
    isRange: true,
  },
  { title: 'Ask a model beside the others', section: 'Models', keys: ['Mod+Click'] },
  { title: 'Load the model that is shown in the pool', section: 'Memory pool', keys: ['Enter'] },
  { title: 'Go through blocks, rows and options', section: 'Window', keys: ['ArrowUp', 'ArrowDown'] },
  {
    title: 'Make a pane wider or narrower, on its edge',
    section: 'Window',
    keys: ['ArrowLeft', 'ArrowRight'],
  },
  { title: 'Close what is open, or take a change back', section: 'Window', keys: ['Escape'] },
]
