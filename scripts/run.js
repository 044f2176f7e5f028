// node scripts/run.js NAME [flags]: runs scripts/NAME.ts. Plain JavaScript, so that a Node too old for the rest can say so.
import process from 'node:process'

const [major = 0] = process.versions.node.split('.').map(Number)
if (major < 24) {
  // On Linux the right one comes with `npm ci` (optional dependencies) and npm finds it first.
  console.error(
    `Plenum needs Node 24 or newer, and this is Node ${process.versions.node} (${process.execPath}). ` +
      'On Linux "npm ci" brings it along; elsewhere install it from https://nodejs.org',
  )
  process.exit(1)
}
const [name] = process.argv.splice(2, 1)
await import(`./${name}.ts`)
