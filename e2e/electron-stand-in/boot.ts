// node boot.ts <Electron's command line>: runs the app's built main script on Node, with ./electron.ts for 'electron'.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'
import { redirectElectron } from './redirect.ts'

const commandLine = process.argv.slice(2)
const preloaded: string[] = []
const positional: string[] = []
for (let index = 0; index < commandLine.length; index++) {
  const argument = commandLine[index] ?? ''
  if (argument === '-r' || argument === '--require') preloaded.push(commandLine[++index] ?? '')
  else if (!argument.startsWith('-')) positional.push(argument)
}

const appPath = path.resolve(positional[0] ?? '.')
// The app's own package.json, which its build also reads.
const manifest = JSON.parse(readFileSync(path.join(appPath, 'package.json'), 'utf8')) as {
  name: string
  productName?: string
  version: string
  main: string
}
const require = createRequire(path.join(appPath, 'package.json'))
// The app when packed has no such package; the stand-in's own tree does.
const { version } = createRequire(import.meta.url)('electron/package.json') as { version: string }

Object.defineProperty(process.versions, 'electron', { value: version, enumerable: true })
Object.assign(process, { type: 'browser', defaultApp: true, resourcesPath: path.dirname(appPath) })
process.argv = [path.join(import.meta.dirname, 'electron'), ...commandLine]

redirectElectron(path.join(import.meta.dirname, 'electron.ts'))
const { app } = await import('./electron.ts')
app.boot({ appPath, commandLine, name: manifest.productName ?? manifest.name, version: manifest.version })
for (const file of preloaded) require(path.resolve(file))
app.launchBrowser()
try {
  await import(pathToFileURL(path.resolve(appPath, manifest.main)).href)
  await app.becomeReady()
} catch (error) {
  console.error('App threw an error during load')
  console.error(error)
  app.exit(1)
}
