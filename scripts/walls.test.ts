import path from 'node:path'
import { ESLint } from 'eslint'
import ts from 'typescript'
import tseslint from 'typescript-eslint'
import { describe, expect, it } from 'vitest'

const root = path.join(import.meta.dirname, '..')

describe('project references', () => {
  it.each([
    ['src/renderer', '../main/host/host.ts'],
    ['src/renderer', '../main/core/ledger.ts'],
    ['src/contract', '../main/core/ledger.ts'],
    ['src/main/core', '../host/host.ts'],
    ['src/main/core', '../model/index.ts'],
    ['src/main/model', '../host/host.ts'],
    ['src/main/host', '../electron/index.ts'],
    ['src/main/host', '../model/backend.ts'],
    ['src/main/headless', '../electron/window.ts'],
    ['src/main/electron', '../headless/server.ts'],
    ['src/preload', '../contract/contract.ts'],
  ])('%s cannot import %s', (folder, specifier) => {
    expect(isOutside(folder, specifier)).toBe(true)
  })

  it.each([
    ['src/renderer', '../contract/errors.ts'],
    ['src/main/core', '../../contract/errors.ts'],
    ['src/main/host', '../core/ledger.ts'],
    ['src/main/model', '../../contract/errors.ts'],
    ['src/main/electron', '../host/host.ts'],
    ['src/main/headless', '../host/host.ts'],
  ])('%s can import %s', (folder, specifier) => {
    expect(isOutside(folder, specifier)).toBe(false)
  })
})

describe('lint rules', () => {
  it.each([
    ['src/renderer/main.tsx', 'electron'],
    ['src/renderer/main.tsx', 'node:fs'],
    ['src/renderer/main.tsx', '@orpc/server'],
    ['src/contract/contract.ts', 'node:fs'],
    ['src/contract/contract.ts', '@orpc/server'],
    ['src/main/core/ledger.ts', 'node:os'],
    ['src/main/core/ledger.ts', 'electron'],
    ['src/main/host/host.ts', 'electron'],
    ['src/main/host/host.ts', 'node-llama-cpp'],
    ['src/main/model/index.ts', 'electron'],
    ['src/main/headless/index.ts', 'electron'],
    ['src/main/headless/index.ts', '../electron/window.ts'],
    ['src/main/electron/index.ts', 'node-llama-cpp'],
    ['src/main/electron/index.ts', '../headless/server.ts'],
    ['src/preload/index.ts', 'node:fs'],
    ['e2e/app.ts', 'node-llama-cpp'],
  ])('%s cannot import %s', async (file, specifier) => {
    expect(await isRefused(file, specifier)).toBe(true)
  })

  it.each([
    ['src/main/electron/index.ts', 'electron'],
    ['src/preload/index.ts', 'electron'],
    ['src/main/model/index.ts', 'node-llama-cpp'],
    ['src/main/host/host.ts', 'node:fs'],
    ['src/renderer/main.tsx', '@orpc/client'],
  ])('%s can import %s', async (file, specifier) => {
    expect(await isRefused(file, specifier)).toBe(false)
  })
})

/** Whether a file of this folder that imports `specifier` is an error for the folder's TypeScript project. */
function isOutside(folder: string, specifier: string): boolean {
  const configFile = path.join(root, folder, 'tsconfig.json')
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(configFile, (file) => ts.sys.readFile(file)).config,
    ts.sys,
    path.dirname(configFile),
  )
  const probe = path.join(root, folder, 'wall-probe.ts')
  const target = path.join(root, folder, specifier)
  const host = ts.createCompilerHost(config.options)
  const real = { ...host }
  // Only the two files at the wall, so that it is this import that is judged, and quickly.
  host.fileExists = (file) => file === probe || file === target || real.fileExists(file)
  host.readFile = (file) => (file === probe || file === target ? '' : real.readFile(file))
  host.getSourceFile = (file, language) => {
    if (file === probe) return ts.createSourceFile(file, `import {} from '${specifier}'\n`, language)
    if (file === target) return ts.createSourceFile(file, 'export {}\n', language)
    return real.getSourceFile(file, language)
  }
  const program = ts.createProgram({
    rootNames: [probe],
    options: { ...config.options, noLib: true, types: [] },
    host,
    ...(config.projectReferences && { projectReferences: config.projectReferences }),
  })
  // 6059: not under rootDir. 6307: not in the file list of the project.
  return ts.getPreEmitDiagnostics(program).some(({ code }) => code === 6059 || code === 6307)
}

const eslint = new ESLint({
  cwd: root,
  // The walls need no types, and without them this takes no time.
  overrideConfig: [tseslint.configs.disableTypeChecked],
})

/** Whether a file that imports `specifier` is refused by the import rules. */
async function isRefused(file: string, specifier: string): Promise<boolean> {
  const [result] = await eslint.lintText(`import '${specifier}'\n`, { filePath: path.join(root, file) })
  return result?.messages.some(({ ruleId }) => ruleId === '@typescript-eslint/no-restricted-imports') ?? false
}
