import { useRef, useState } from 'react'
import { addGifts } from '../additions.ts'
import { uploadGifts } from '../gifts.ts'
import { attempt, host, useApp } from '../store.ts'
import { Button } from '../ui/button.tsx'
import { watchFolder } from './folders.ts'
import { FolderBrowser } from './folder-browser.tsx'

/** The ways to add models: the system's dialog in the desktop app, an upload or a look at the host's folders in a browser. */
export function AddModels() {
  const canChoose = useApp((state) => state.host?.canChooseFiles ?? false)
  const [isBrowsing, setIsBrowsing] = useState(false)
  const input = useRef<HTMLInputElement>(null)
  if (canChoose) {
    const addFiles = async () => {
      const paths = await host().files.choose({ kind: 'gguf' })
      await addGifts(paths.map((path) => ({ kind: 'path', path })))
    }
    const addFolder = async () => {
      for (const path of await host().files.choose({ kind: 'folder' })) await watchFolder(path)
    }
    return (
      <>
        <Button icon="plus" onClick={() => void attempt(addFiles)}>
          Add files…
        </Button>
        <Button icon="folder" onClick={() => void attempt(addFolder)}>
          Watch a folder…
        </Button>
      </>
    )
  }
  return (
    <>
      <Button icon="upload" onClick={() => input.current?.click()}>
        Upload files…
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        accept=".gguf"
        hidden
        aria-label="GGUF files to upload"
        onChange={(event) => {
          const files = [...(event.target.files ?? [])]
          // The same file can be chosen again.
          event.target.value = ''
          void addGifts(uploadGifts(files))
        }}
      />
      <Button icon="folder" onClick={() => setIsBrowsing(true)}>
        Browse this host…
      </Button>
      {isBrowsing && (
        <FolderBrowser
          onClose={() => setIsBrowsing(false)}
          onAdd={(path) => {
            setIsBrowsing(false)
            void addGifts([{ kind: 'path', path }])
          }}
          onWatch={(path) => {
            setIsBrowsing(false)
            void attempt(() => watchFolder(path))
          }}
        />
      )}
    </>
  )
}
