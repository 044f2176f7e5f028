import { residentIds, whyUnusable } from '../chat/next-model.ts'
import { focusComposer } from '../chat/composer.tsx'
import { chooseNextModel } from '../chat/auto-choice.ts'
import { toggleModel } from '../chat/several-models.ts'
import { chosenModelIds, residencyOf } from '../chat/use-next-model.ts'
import type { LibraryModel } from '../../contract/model.ts'
import { openSettings } from '../proposal.ts'
import { allSettings } from '../settings/all-settings.ts'
import { openConversation } from '../open-conversation.ts'
import { attempt, host, showSettings, type AppState } from '../store.ts'
import { appCommands } from './app-commands.ts'
import type { Command } from './command.ts'

/** Everything that can be asked for now, by palette and by key: the app's own commands, those of each model, each setting, and a switch to each conversation. */
export function availableCommands(state: AppState): readonly Command[] {
  const residency = residencyOf(state)
  const residents = residentIds(residency)
  return [
    ...appCommands.filter(({ when }) => when?.(state) ?? true),
    ...state.models.flatMap((model) =>
      modelCommands(model, {
        state: residency[model.id],
        canAnswer: whyUnusable(model, residency) === null,
        nth: residents.indexOf(model.id) + 1,
      }),
    ),
    ...settingCommands,
    ...state.conversations
      .filter(({ id }) => id !== state.conversationId)
      .map(({ id, title }): Command => ({
        id: `conversation ${id}`,
        title,
        section: 'Conversation',
        words: 'open switch to',
        run: () => openConversation(id),
      })),
  ]
}

const settingCommands = allSettings.map(({ id, title, section }): Command => ({
  id: `setting ${id}`,
  title: `Setting: ${title}`,
  section: 'Window',
  words: `${section} preferences`,
  run: () => showSettings(title),
}))

function modelCommands(
  { id, name, colour, pinned }: LibraryModel,
  {
    state,
    canAnswer,
    nth,
  }: {
    readonly state: ReturnType<typeof residencyOf>[string] | undefined
    readonly canAnswer: boolean
    /** Its number among the residents, from 1; 0 when it is none. */
    readonly nth: number
  },
): readonly Command[] {
  const command = (verb: string, title: string, run: () => void): Command => ({
    id: `${verb} ${id}`,
    title,
    section: 'Models',
    colour,
    run,
  })
  const ask: Command = {
    ...command('ask', `Ask ${name} next`, () => {
      chooseNextModel(id)
      focusComposer()
    }),
    ...(nth > 0 && nth < 10 && { keys: [`Alt+${String(nth)}`] }),
    words: 'choose use switch model',
  }
  const askToo: Command = {
    ...command('ask too', `Ask ${name} beside the others, or no longer`, () => {
      toggleModel(chosenModelIds()[0] ?? null, id)
      focusComposer()
    }),
    ...(nth > 0 && nth < 10 && { keys: [`Alt+Shift+${String(nth)}`] }),
    words: 'several models at once compare side by side columns',
  }
  const isThere = state !== undefined && state !== 'failed'
  return [
    ...(canAnswer ? [ask, askToo] : []),
    ...(canAnswer && !isThere
      ? [command('load', `Load ${name}`, () => void attempt(() => host().models.load({ id })))]
      : []),
    ...(isThere && state !== 'unloading'
      ? [command('unload', `Unload ${name}`, () => void attempt(() => host().models.unload({ id })))]
      : []),
    pinned
      ? command('unpin', `Unpin ${name}`, () => void attempt(() => host().models.unpin({ id })))
      : command('pin', `Pin ${name}`, () => void attempt(() => host().models.pin({ id }))),
    command('load-settings', `Load settings of ${name}`, () => void openSettings({ modelId: id })),
  ]
}
