import type { OpenDialogOptions } from 'electron'
import { BrowserWindow, dialog } from 'electron'

/** Asks for GGUF files or a folder with the system's dialog; empty when it was closed. */
export async function chooseFiles(kind: 'gguf' | 'folder'): Promise<string[]> {
  const options: OpenDialogOptions =
    kind === 'folder'
      ? { title: 'Choose a folder of models', properties: ['openDirectory'] }
      : {
          title: 'Choose models',
          properties: ['openFile', 'multiSelections'],
          filters: [{ name: 'GGUF models', extensions: ['gguf'] }],
        }
  const [window] = BrowserWindow.getAllWindows()
  const answer = window ? await dialog.showOpenDialog(window, options) : await dialog.showOpenDialog(options)
  return answer.canceled ? [] : answer.filePaths
}
