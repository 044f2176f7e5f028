import type { AppState } from '../store.ts'
import type { Chord } from '../ui/shortcut.ts'

/** The parts that commands are listed in, in this order. */
export const sections = [
  'Conversation',
  'Turn',
  'List of conversations',
  'Models',
  'Memory pool',
  'Window',
  'Help',
] as const
export type Section = (typeof sections)[number]

/** Something that the user can ask for by name or by a key. */
export type Command = {
  /** Stays the same across versions: what was used lately is remembered by it. */
  readonly id: string
  /** What it does, in the words of its button: "New conversation". */
  readonly title: string
  readonly section: Section
  /** Keys that run it; the first is shown. */
  readonly keys?: readonly Chord[]
  /** Other words that people look for it by. */
  readonly words?: string
  /** Its model's colour. */
  readonly colour?: number
  /** Whether it can be run now; always, unless given. */
  readonly when?: (state: AppState) => boolean
  readonly run: () => void
}
