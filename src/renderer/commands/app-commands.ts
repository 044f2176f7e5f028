import { autoKeys, chooseAuto, endAuto, isAutoNext } from '../chat/auto-choice.ts'
import { toggleModelMenu } from '../chat/model-menu.tsx'
import { chooseSeveral } from '../chat/several-models.ts'
import { choosePipeline, openCurrentSet } from '../pipeline/pipelines.ts'
import { resetPanes, togglePane } from '../panes.ts'
import {
  attempt,
  host,
  saveSettings,
  showDialog,
  showOverlay,
  showPicture,
  showTour,
  useApp,
  type AppState,
} from '../store.ts'
import type { Command } from './command.ts'
import { conversationCommands } from './conversation-commands.ts'
import { focusNextRegion } from './regions.ts'
import { turnCommands } from './turn-commands.ts'

const isConnected = (state: AppState) => state.connection === 'open'

/** What the app itself can do, in the order of the list. */
export const appCommands: readonly Command[] = [
  ...conversationCommands,
  ...turnCommands,
  {
    id: 'models.choose',
    title: 'Choose the model of the next turn',
    section: 'Models',
    keys: ['Ctrl+M'],
    words: 'menu switch picker all models',
    run: toggleModelMenu,
  },
  {
    id: 'models.auto',
    title: 'Let Auto find who answers, or no longer',
    section: 'Models',
    keys: [autoKeys],
    words: 'router routing automatic sort choose model',
    run: () => (isAutoNext(useApp.getState()) ? endAuto() : chooseAuto()),
  },
  {
    id: 'models.several',
    title: 'Ask several models at once, or one again',
    section: 'Models',
    keys: ['Alt+0'],
    words: 'compare side by side columns beside',
    run: () => chooseSeveral(useApp.getState().besideIds === null),
  },
  {
    id: 'models.library',
    title: 'Open the library',
    section: 'Models',
    keys: ['Mod+Shift+L'],
    words: 'models files add gguf load folder',
    run: () => showDialog('library'),
  },
  {
    id: 'pipelines.open',
    title: 'Open a pipeline…',
    section: 'Models',
    words: 'yaml file set dry run plan load several',
    when: isConnected,
    run: choosePipeline,
  },
  {
    id: 'pipelines.current',
    title: 'Save this set as a pipeline…',
    section: 'Models',
    words: 'yaml file write export models memory',
    when: (state) => isConnected(state) && (state.pool?.residents.length ?? 0) > 0,
    run: () => void openCurrentSet(),
  },
  {
    id: 'pool.consolidate',
    title: 'Consolidate the pool',
    section: 'Memory pool',
    words: 'free memory park shrink kv caches defragment',
    when: isConnected,
    run: () => void attempt(() => host().pool.consolidate()),
  },
  ...(['machine', 'models', 'table'] as const).map((picture): Command => ({
    id: `pool.show-${picture}`,
    title: picture === 'table' ? 'Show the pool as a table' : `Show the ${picture} in the pool`,
    section: 'Memory pool',
    words: 'view treemap picture',
    when: (state) => state.poolPicture !== picture,
    run: () => showPicture(picture),
  })),
  {
    id: 'pool.activity',
    title: 'Show all activity of the pool',
    section: 'Memory pool',
    words: 'events log history loads',
    run: () => showDialog('activity'),
  },
  {
    id: 'window.list',
    title: 'Show or hide the conversations',
    section: 'Window',
    keys: ['Mod+B'],
    words: 'toggle sidebar list collapse',
    run: () => togglePane('list'),
  },
  {
    id: 'window.pool',
    title: 'Show or hide the memory pool',
    section: 'Window',
    keys: ['Mod+Alt+B'],
    words: 'toggle sidebar treemap collapse',
    run: () => togglePane('pool'),
  },
  {
    id: 'window.reset-panes',
    title: 'Reset the sizes of the panes',
    section: 'Window',
    words: 'layout default width',
    run: resetPanes,
  },
  {
    id: 'window.next-region',
    title: 'Go to the next part of the window',
    section: 'Window',
    keys: ['F6'],
    words: 'focus pane region',
    run: () => focusNextRegion(1),
  },
  {
    id: 'window.previous-region',
    title: 'Go to the part of the window before',
    section: 'Window',
    keys: ['Shift+F6'],
    words: 'focus pane region previous',
    run: () => focusNextRegion(-1),
  },
  {
    id: 'window.settings',
    title: 'Open the settings',
    section: 'Window',
    keys: ['Mod+,'],
    words: 'preferences options configure',
    run: () => showDialog('settings'),
  },
  ...(['system', 'light', 'dark'] as const).map((theme): Command => ({
    id: `window.theme-${theme}`,
    title: `Theme: ${theme === 'system' ? 'as the system' : theme}`,
    section: 'Window',
    words: 'colours appearance mode',
    when: (state) => isConnected(state) && state.settings?.theme !== theme,
    run: () => void attempt(() => saveSettings({ theme })),
  })),
  {
    id: 'help.palette',
    title: 'Find a command',
    section: 'Help',
    keys: ['Mod+K', 'Mod+Shift+P'],
    words: 'palette search',
    run: () => toggleOverlay('palette'),
  },
  {
    id: 'help.shortcuts',
    title: 'Show all shortcuts',
    section: 'Help',
    keys: ['Mod+/', '?'],
    words: 'keyboard keys help',
    run: () => toggleOverlay('shortcuts'),
  },
  {
    id: 'help.tour',
    title: 'Show the tour',
    section: 'Help',
    words: 'introduction first steps learn',
    run: () => showTour(0),
  },
]

function toggleOverlay(overlay: NonNullable<AppState['overlay']>): void {
  showOverlay(useApp.getState().overlay === overlay ? null : overlay)
}
