import type { Answer, Turn } from '../../contract/conversation.ts'
import { withoutThoughts } from '../../contract/thoughts.ts'
import { focusComposer } from '../chat/composer.tsx'
import {
  askAgain,
  askChosen,
  branchFrom,
  checkAnswer,
  continueAnswer,
  deleteTurn,
  editMessage,
  keepAnswer,
  showAnswer,
  showVersion,
  stopAnswers,
  wasCut,
} from '../chat/turn-actions.ts'
import { focusVersions, messageVersions } from '../chat/version-switch.tsx'
import { chosenAnswer, isRunning, runningTurnId } from '../conversation-mirror.ts'
import { useApp, type AppState } from '../store.ts'
import { copyText } from '../ui/copy-text.ts'
import type { Command } from './command.ts'

const isQuiet = (state: AppState) =>
  state.connection === 'open' && runningTurnId(state.conversation) === null && focusedTurn(state) !== null

/** What can be done with a turn: the one that has the focus, else the last one. */
export const turnCommands: readonly Command[] = [
  {
    id: 'conversation.stop',
    title: 'Stop the answer',
    section: 'Turn',
    keys: ['Mod+.'],
    words: 'cancel abort halt',
    when: (state) => runningTurnId(state.conversation) !== null,
    run: stopAnswer,
  },
  {
    id: 'conversation.copy-answer',
    title: 'Copy the answer',
    section: 'Turn',
    keys: ['Mod+Alt+C'],
    words: 'clipboard text last',
    when: (state) => focusedTurn(state) !== null,
    run: () => withAnswer((_, { text }) => copyText(withoutThoughts(text))),
  },
  {
    id: 'turn.edit',
    title: 'Edit the message',
    section: 'Turn',
    keys: ['Mod+Shift+E'],
    words: 'change last question version',
    when: isQuiet,
    run: () => withAnswer(({ id, text }) => editMessage(id, text)),
  },
  {
    id: 'turn.again',
    title: 'Ask again',
    section: 'Turn',
    keys: ['Alt+R'],
    words: 'regenerate retry repeat answer',
    when: isQuiet,
    run: () => withAnswer(({ id }, { modelId }) => askAgain(id, [modelId])),
  },
  {
    id: 'turn.again-chosen',
    title: 'Ask the chosen models again',
    section: 'Turn',
    keys: ['Alt+Shift+R'],
    words: 'regenerate retry other model',
    when: isQuiet,
    run: () => withAnswer(({ id }, answer) => askChosen(id, answer)),
  },
  {
    id: 'turn.continue',
    title: 'Continue the answer',
    section: 'Turn',
    words: 'go on cut stopped longer',
    when: (state) => isQuiet(state) && wasCut(focusedAnswer(state)),
    run: () => withAnswer((_, { id }) => continueAnswer(id)),
  },
  {
    id: 'turn.check',
    title: 'Check the answer',
    section: 'Turn',
    keys: ['Alt+C'],
    words: 'verify verifier pass fail repair wrong',
    when: (state) => isQuiet(state) && focusedAnswer(state).text !== '',
    run: () => withAnswer((_, { id }) => checkAnswer(id)),
  },
  {
    id: 'turn.keep',
    title: 'Keep this answer',
    section: 'Turn',
    words: 'choose column side by side path',
    when: (state) => focusedTurn(state)?.isUndecided === true && !isRunning(focusedAnswer(state)),
    run: () => withAnswer(({ id }, answer) => keepAnswer(id, answer)),
  },
  ...([-1, 1] as const).flatMap((step): Command[] => [
    {
      id: `turn.answer-version ${String(step)}`,
      title: `${step < 0 ? 'Previous' : 'Next'} version of the answer`,
      section: 'Turn',
      keys: [step < 0 ? 'Alt+PageUp' : 'Alt+PageDown'],
      words: 'switch other regenerated',
      when: (state) => {
        const turn = focusedTurn(state)
        return turn !== null && !turn.isUndecided && turn.answers.length > 1
      },
      run: () => withAnswer((turn) => stepAnswer(turn, step)),
    },
    {
      id: `turn.message-version ${String(step)}`,
      title: `${step < 0 ? 'Previous' : 'Next'} version of the message`,
      section: 'Turn',
      keys: [step < 0 ? 'Alt+Shift+PageUp' : 'Alt+Shift+PageDown'],
      words: 'switch other edited',
      when: (state) => (focusedTurn(state)?.siblingIds.length ?? 0) > 1,
      run: () => withAnswer((turn) => stepMessage(turn, step)),
    },
  ]),
  {
    id: 'turn.branch',
    title: 'Branch from here',
    section: 'Turn',
    words: 'fork copy new conversation',
    when: isQuiet,
    run: () => withAnswer(({ id }) => branchFrom(id)),
  },
  {
    id: 'turn.delete',
    title: 'Delete the turn and what follows it',
    section: 'Turn',
    words: 'remove message answer',
    when: isQuiet,
    run: () => withAnswer(({ id }) => deleteTurn(id)),
  },
]

function focusedTurn({ conversation }: AppState): Turn | null {
  const id = document.activeElement?.closest<HTMLElement>('[data-turn]')?.dataset['turn']
  return conversation?.turns.find((turn) => turn.id === id) ?? conversation?.turns.at(-1) ?? null
}

/** Of several answers side by side the one that has the focus, else the chosen one. Only where there is a turn. */
function focusedAnswer(state: AppState): Answer {
  const turn = focusedTurn(state)
  if (!turn) throw new Error('There is no turn')
  const id = document.activeElement?.closest<HTMLElement>('[data-answer]')?.dataset['answer']
  return turn.answers.find((answer) => answer.id === id) ?? chosenAnswer(turn)
}

function withAnswer(work: (turn: Turn, answer: Answer) => unknown): void {
  const state = useApp.getState()
  const turn = focusedTurn(state)
  if (turn) void work(turn, focusedAnswer(state))
}

function stopAnswer(): void {
  const turnId = runningTurnId(useApp.getState().conversation)
  if (turnId === null) return
  focusComposer()
  void stopAnswers(turnId)
}

async function stepAnswer({ id, answers, chosenAnswerId }: Turn, step: -1 | 1): Promise<void> {
  const next = answers[answers.findIndex((answer) => answer.id === chosenAnswerId) + step]
  if (next) await showAnswer(id, next.id)
}

async function stepMessage({ id, siblingIds }: Turn, step: -1 | 1): Promise<void> {
  const next = siblingIds[siblingIds.indexOf(id) + step]
  if (next === undefined) return
  const hadFocus = document.activeElement?.closest('[data-turn]') instanceof Element
  await showVersion(next)
  // The turn goes with what had the focus.
  if (hadFocus) focusVersions(messageVersions(siblingIds), step)
}
