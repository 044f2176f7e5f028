import { chordText } from '../ui/shortcut.ts'

/** One thing that is pointed at. */
export type TourStep = {
  readonly title: string
  readonly text: string
  /** What it points at, by preference: the first that is seen. */
  readonly targets: readonly string[]
}

const poolSwitch = 'header [aria-label="Memory pool"]'

/** What a new user is told, in this order. */
export const tourSteps: readonly TourStep[] = [
  {
    title: 'The pool shows where memory goes',
    text: 'Each block is a model in memory, as large as what it takes. Press a block to use the model, pin it or unload it.',
    targets: ['[data-tour="pool"]', poolSwitch],
  },
  {
    title: 'Choose who answers, for each turn',
    text: `Every model sees the whole conversation. Choose one here, or by ${chordText('Alt+1')} to ${chordText('Alt+9')}; ${chordText('Ctrl+M')} has all of them. Auto lets a small model find out who answers best.`,
    targets: ['[data-tour="model"]'],
  },
  {
    title: 'See the price before you load',
    text: 'Drop a GGUF file anywhere on the window, or open the library: you see what the model will take, and who would leave, before anything happens.',
    targets: ['[data-tour="library"]', 'header [aria-label="Conversations"]'],
  },
]
