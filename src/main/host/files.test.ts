import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { browse, saveText } from './files.ts'

/** A home with models in it, a models folder elsewhere. */
function newHome() {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'plenum-files-')))
  onTestFinished(() => rmSync(root, { recursive: true }))
  const home = path.join(root, 'home')
  const modelsFolder = path.join(root, 'data', 'models')
  for (const folder of ['b', 'a 10', 'a 2', '.cache']) mkdirSync(path.join(home, folder), { recursive: true })
  mkdirSync(modelsFolder, { recursive: true })
  writeFileSync(path.join(home, 'Big.GGUF'), 'GGUF')
  writeFileSync(path.join(home, 'notes.txt'), 'notes')
  symlinkSync(path.join(home, 'Big.GGUF'), path.join(home, 'link.gguf'))
  symlinkSync(path.join(home, 'b'), path.join(home, 'folder link'))
  symlinkSync(path.join(home, 'nowhere'), path.join(home, 'broken.gguf'))
  return { home, modelsFolder }
}

test('shows the folders and models of the home folder, and where uploads go on top', async () => {
  const places = newHome()
  const listing = await browse(undefined, places)
  const at = (name: string) => path.join(places.home, name)
  expect(listing).toEqual({
    path: places.home,
    parent: path.dirname(places.home),
    entries: [
      { name: 'models', path: places.modelsFolder, kind: 'folder', bytes: null },
      { name: 'a 2', path: at('a 2'), kind: 'folder', bytes: null },
      { name: 'a 10', path: at('a 10'), kind: 'folder', bytes: null },
      { name: 'b', path: at('b'), kind: 'folder', bytes: null },
      { name: 'folder link', path: at('folder link'), kind: 'folder', bytes: null },
      { name: '.cache', path: at('.cache'), kind: 'folder', bytes: null },
      { name: 'Big.GGUF', path: at('Big.GGUF'), kind: 'gguf', bytes: 4 },
      { name: 'link.gguf', path: at('link.gguf'), kind: 'gguf', bytes: 4 },
    ],
  })
})

test('goes up to the root and reads "~" as the home folder', async () => {
  const places = newHome()
  expect((await browse('/', places)).parent).toBeNull()
  expect(await browse('~/b', places)).toEqual({
    path: path.join(places.home, 'b'),
    parent: places.home,
    entries: [],
  })
})

test('says why a folder cannot be shown', async () => {
  const places = newHome()
  const gone = path.join(places.home, 'gone')
  await expect(browse(gone, places)).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: `Cannot open "${gone}": there is no such folder`,
  })
  await expect(browse(path.join(places.home, 'notes.txt'), places)).rejects.toMatchObject({
    code: 'BAD_INPUT',
  })
  await expect(browse('b', places)).rejects.toMatchObject({
    message: 'Cannot open "b": it is not an absolute path',
  })
})

test.skipIf(process.getuid?.() === 0)('says so when a folder may not be read', async () => {
  const places = newHome()
  const closed = path.join(places.home, 'b')
  chmodSync(closed, 0)
  onTestFinished(() => chmodSync(closed, 0o700))
  await expect(browse(closed, places)).rejects.toMatchObject({
    message: `Cannot open "${closed}": no permission to read it`,
  })
})

test('a text is saved where the user said, in the place of what was there; where that cannot be, it is told', async () => {
  const { home } = newHome()
  const file = path.join(home, 'notes.txt')
  await saveText(file, 'größer')
  expect(readFileSync(file, 'utf8')).toBe('größer')
  const nowhere = path.join(home, 'not there', 'notes.txt')
  await expect(saveText(nowhere, 'lost')).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: `Cannot save "${nowhere}": there is no such folder`,
  })
})
