// npm run headless -- [flags]: the app in a browser, built when needed.
import { buildIfNeeded } from './build.ts'
import { runHeadless } from './headless-host.ts'

buildIfNeeded()
process.exitCode = await runHeadless(process.argv.slice(2))
