import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Makes 'electron' mean this file, for `require` and for `import`, whatever node_modules has. */
export function redirectElectron(file: string): void {
  const url = pathToFileURL(file).href
  registerHooks({
    resolve: (specifier, context, next) =>
      /^electron(\/(main|common|utility))?$/.test(specifier)
        ? { url, format: 'module-typescript', shortCircuit: true }
        : next(specifier, context),
  })
}
