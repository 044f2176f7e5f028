import { useState } from 'react'
import { FolderBrowser } from '../library/folder-browser.tsx'
import { forgetFolder, watchFolder } from '../library/folders.ts'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { Check, Group, Setting, type GroupProps } from './setting.tsx'
import styles from './settings.module.css'

/** Where models are looked for. */
export function LibrarySettings({
  settings,
  canChoose,
  save,
  act,
}: GroupProps & { readonly canChoose: boolean; readonly act: (work: () => Promise<void>) => void }) {
  const [isBrowsing, setIsBrowsing] = useState(false)
  const choose = async () => {
    for (const path of await host().files.choose({ kind: 'folder' })) await watchFolder(path)
  }
  return (
    <Group title="Library">
      <Setting effect="Models that LM Studio, Ollama and the Hugging Face cache have on this machine are listed and used in place, never copied. Default: on.">
        {(noteId) => (
          <Check
            label="Find models of other apps"
            isOn={settings.findOtherApps}
            describedBy={noteId}
            onChange={(findOtherApps) => save({ findOtherApps })}
          />
        )}
      </Setting>
      <Setting effect="GGUF files in these folders are in the library, also those that appear later. Default: none.">
        {(noteId) => (
          <div
            className={styles['folders']}
            role="group"
            aria-label="Watched folders"
            aria-describedby={noteId}
          >
            <span>Watched folders</span>
            {settings.modelFolders.length > 0 && (
              <ul className={styles['paths']}>
                {settings.modelFolders.map((path) => (
                  <li key={path}>
                    <code className={styles['path']}>{path}</code>
                    <Button
                      look="quiet"
                      icon="close"
                      aria-label={`Stop watching ${path}`}
                      onClick={() => act(() => forgetFolder(path))}
                    />
                  </li>
                ))}
              </ul>
            )}
            <Button icon="folder" onClick={() => (canChoose ? act(choose) : setIsBrowsing(true))}>
              Watch a folder…
            </Button>
          </div>
        )}
      </Setting>
      {isBrowsing && (
        <FolderBrowser
          onClose={() => setIsBrowsing(false)}
          onWatch={(path) => {
            setIsBrowsing(false)
            act(() => watchFolder(path))
          }}
        />
      )}
    </Group>
  )
}
