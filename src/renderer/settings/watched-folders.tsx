import { useState } from 'react'
import { FolderBrowser } from '../library/folder-browser.tsx'
import { forgetFolder, watchFolder } from '../library/folders.ts'
import { host } from '../store.ts'
import { Button } from '../ui/button.tsx'
import type { SettingContext } from './setting-item.ts'
import styles from './settings.module.css'

/** The folders that are looked through for models, with a way to add one and to leave one. */
export function WatchedFolders({
  folders,
  canChoose,
  describedBy,
  act,
}: Pick<SettingContext, 'canChoose' | 'act'> & {
  readonly folders: readonly string[]
  readonly describedBy: string
}) {
  const [isBrowsing, setIsBrowsing] = useState(false)
  const choose = async () => {
    for (const path of await host().files.choose({ kind: 'folder' })) await watchFolder(path)
  }
  return (
    <div
      className={styles['folders']}
      role="group"
      aria-label="Watched folders"
      aria-describedby={describedBy}
    >
      <span>Watched folders</span>
      {folders.length > 0 && (
        <ul className={styles['paths']}>
          {folders.map((path) => (
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
      {isBrowsing && (
        <FolderBrowser
          onClose={() => setIsBrowsing(false)}
          onWatch={(path) => {
            setIsBrowsing(false)
            act(() => watchFolder(path))
          }}
        />
      )}
    </div>
  )
}
