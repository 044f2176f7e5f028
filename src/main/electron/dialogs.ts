import path from 'node:path'
import type { OpenDialogOptions } from 'electron'
import { app, BrowserWindow, dialog } from 'electron'

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

/** Asks where to save a file, at first among the downloads under the name that is proposed; null when the dialog was closed. */
export async function chooseSavePath(name: string): Promise<string | null> {
  const extension = path.extname(name).slice(1)
  const options = {
    // No folders in it: where to is for the user to say.
    defaultPath: path.join(app.getPath('downloads'), path.basename(name)),
    ...(extension !== '' && { filters: [{ name: extension.toUpperCase(), extensions: [extension] }] }),
  }
  const [window] = BrowserWindow.getAllWindows()
  const answer = window ? await dialog.showSaveDialog(window, options) : await dialog.showSaveDialog(options)
  return answer.canceled ? null : answer.filePath
}
