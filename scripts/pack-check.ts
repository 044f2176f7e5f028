// node scripts/run.js pack-check [targets]: packs the built app for each target with a stub in the place of Electron, and tells
// what is inside. Each target's dependencies are installed from the registry into a folder of their own, so this takes minutes.
import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { extractAll, listPackage } from '@electron/asar'
import { Arch, build, Platform } from 'electron-builder'
import { buildIfNeeded, rootFolder } from './build.ts'

type Target = {
  readonly platform: Platform
  readonly arch: Arch
  /** What npm calls them. */
  readonly npm: readonly [os: string, cpu: string]
  /** The folder of the packed app that holds `app.asar`, in the output folder. */
  readonly resources: string
  /** Packages of llama.cpp binaries that must be inside; no others may. */
  readonly binaries: readonly string[]
}

const macResources = 'Plenum.app/Contents/Resources'
const targets: Readonly<Record<string, Target>> = {
  'linux-x64': {
    platform: Platform.LINUX,
    arch: Arch.x64,
    npm: ['linux', 'x64'],
    resources: 'linux-unpacked/resources',
    binaries: ['linux-x64', 'linux-x64-vulkan'],
  },
  'linux-arm64': {
    platform: Platform.LINUX,
    arch: Arch.arm64,
    npm: ['linux', 'arm64'],
    resources: 'linux-arm64-unpacked/resources',
    binaries: ['linux-arm64'],
  },
  'win-x64': {
    platform: Platform.WINDOWS,
    arch: Arch.x64,
    npm: ['win32', 'x64'],
    resources: 'win-unpacked/resources',
    binaries: ['win-x64', 'win-x64-vulkan'],
  },
  'win-arm64': {
    platform: Platform.WINDOWS,
    arch: Arch.arm64,
    npm: ['win32', 'arm64'],
    resources: 'win-arm64-unpacked/resources',
    binaries: ['win-arm64'],
  },
  'mac-x64': {
    platform: Platform.MAC,
    arch: Arch.x64,
    npm: ['darwin', 'x64'],
    resources: `mac/${macResources}`,
    binaries: ['mac-x64'],
  },
  'mac-arm64': {
    platform: Platform.MAC,
    arch: Arch.arm64,
    npm: ['darwin', 'arm64'],
    resources: `mac-arm64/${macResources}`,
    binaries: ['mac-arm64-metal'],
  },
}

const require = createRequire(import.meta.url)
const wanted = process.argv.slice(2)
buildIfNeeded()
for (const name of wanted.length > 0 ? wanted : Object.keys(targets)) {
  const target = targets[name]
  if (!target) throw new Error(`There is no target "${name}"; there are ${Object.keys(targets).join(', ')}`)
  const folder = mkdtempSync(path.join(tmpdir(), `plenum-pack-${name}-`))
  try {
    const resources = await pack(target, folder)
    const wrong = [
      ...findWrong(target, resources),
      ...(name === 'linux-x64' ? startPacked(folder, resources) : []),
    ]
    for (const problem of wrong) console.error(`${name}: ${problem}`)
    if (wrong.length > 0) process.exitCode = 1
    else console.log(`${name}: ${target.binaries.join(', ')} and nothing of other systems`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Packs the app in a tree that has this target's dependencies; the folder with `app.asar`. */
async function pack(target: Target, folder: string): Promise<string> {
  for (const file of ['package.json', 'package-lock.json', 'electron-builder.yml', 'out', 'resources']) {
    cpSync(path.join(rootFolder, file), path.join(folder, file), { recursive: true })
  }
  const [os, cpu] = target.npm
  const { status } = spawnSync(
    'npm',
    ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', `--os=${os}`, `--cpu=${cpu}`],
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' },
  )
  if (status !== 0) throw new Error(`npm ci for ${os} ${cpu} failed`)
  await build({
    projectDir: folder,
    targets: target.platform.createTarget('dir', target.arch),
    publish: 'never',
    config: {
      extends: path.join(folder, 'electron-builder.yml'),
      electronVersion: (require('electron/package.json') as { version: string }).version,
      electronDist: writeStub(target, path.join(folder, 'stub')),
      // There is nothing to flip in a stub, and nothing to sign.
      electronFuses: null,
      mac: { identity: null },
    },
  })
  return path.join(folder, 'dist', target.resources)
}

/** What electron-builder needs of an Electron that it renames and fills. */
function writeStub({ platform }: Target, folder: string): string {
  mkdirSync(path.join(folder, 'resources'), { recursive: true })
  mkdirSync(path.join(folder, 'locales'))
  writeFileSync(path.join(folder, 'locales', 'en-US.pak'), '')
  writeFileSync(path.join(folder, 'LICENSE'), '')
  writeFileSync(path.join(folder, 'version'), '')
  if (platform === Platform.WINDOWS) {
    // A real executable with version information, which electron-builder rewrites.
    const real = path.join(
      path.dirname(require.resolve('electron-winstaller/package.json')),
      'vendor',
      'Squirrel.exe',
    )
    copyFileSync(real, path.join(folder, 'electron.exe'))
  } else if (platform === Platform.LINUX) {
    writeFileSync(path.join(folder, 'electron'), '', { mode: 0o755 })
    writeFileSync(path.join(folder, 'chrome-sandbox'), '', { mode: 0o755 })
  } else {
    writeMacApp(path.join(folder, 'Electron.app'), 'Electron')
    const frameworks = path.join(folder, 'Electron.app', 'Contents', 'Frameworks')
    for (const kind of ['', ' (GPU)', ' (Plugin)', ' (Renderer)']) {
      writeMacApp(path.join(frameworks, `Electron Helper${kind}.app`), `Electron Helper${kind}`)
    }
    const framework = path.join(frameworks, 'Electron Framework.framework', 'Versions', 'A', 'Resources')
    mkdirSync(path.join(framework, 'en.lproj'), { recursive: true })
    writeFileSync(path.join(framework, 'en.lproj', 'locale.pak'), '')
  }
  return folder
}

function writeMacApp(app: string, name: string): void {
  mkdirSync(path.join(app, 'Contents', 'MacOS'), { recursive: true })
  mkdirSync(path.join(app, 'Contents', 'Resources'))
  writeFileSync(path.join(app, 'Contents', 'MacOS', name), '', { mode: 0o755 })
  writeFileSync(
    path.join(app, 'Contents', 'Info.plist'),
    `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict><key>CFBundleExecutable</key><string>${name}</string></dict></plist>
`,
  )
}

/** What should be inside and is not, and what is and should not be. */
function findWrong(target: Target, resources: string): string[] {
  const inside = listPackage(path.join(resources, 'app.asar'), { isPack: false }).map((file) =>
    file.replaceAll('\\', '/'),
  )
  const unpacked = path.join(resources, 'app.asar.unpacked', 'node_modules')
  const binaries = readdirSync(path.join(unpacked, '@node-llama-cpp')).toSorted()
  const models = readdirSync(path.join(resources, 'demo-models')).filter((file) => file.endsWith('.gguf'))
  const needed = [
    '/package.json',
    '/out/main/index.js',
    '/out/main/model.js',
    '/out/preload/index.cjs',
    '/out/renderer/index.html',
    '/node_modules/node-llama-cpp/llama/binariesGithubRelease.json',
    '/node_modules/@orpc/server/package.json',
  ]
  const foreign =
    /^\/(src|e2e|scripts|bench|resources)\/|gitRelease\.bundle$|^\/node_modules\/(react|recharts|electron|node-linux-[^/]*|@reflink)\//
  return [
    ...(binaries.join() === target.binaries.join() ? [] : [`llama.cpp binaries are ${binaries.join(', ')}`]),
    ...(models.length === 3 ? [] : [`there are ${String(models.length)} demo models`]),
    ...needed.filter((file) => !inside.includes(file)).map((file) => `${file} is missing`),
    ...target.binaries
      .filter((name) => !hasAddon(path.join(unpacked, '@node-llama-cpp', name)))
      .map((name) => `${name} has no binary outside of the asar`),
    ...inside
      .filter((file) => foreign.test(file))
      .slice(0, 5)
      .map((file) => `${file} should not be there`),
  ]
}

function hasAddon(folder: string): boolean {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).some((file) => file.endsWith('.node'))
}

/** Starts the packed app, taken out of its asar and far from the repository, under the Electron stand-in. */
function startPacked(folder: string, resources: string): string[] {
  const standIn = path.join(rootFolder, 'e2e', 'electron-stand-in')
  const app = path.join(folder, 'started', 'app')
  mkdirSync(app, { recursive: true })
  extractAll(path.join(resources, 'app.asar'), app)
  cpSync(path.join(resources, 'demo-models'), path.join(folder, 'started', 'demo-models'), {
    recursive: true,
  })
  if (!existsSync(path.join(app, 'node_modules', 'node-llama-cpp')))
    return ['the extracted app has no node-llama-cpp']
  const { status } = spawnSync(
    process.execPath,
    [
      path.join(path.dirname(require.resolve('@playwright/test/package.json')), 'cli.js'),
      'test',
      'chat',
      '--project=desktop',
    ],
    {
      cwd: rootFolder,
      stdio: 'inherit',
      env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: standIn, PLENUM_E2E_APP: app },
    },
  )
  return status === 0 ? [] : ['the packed app fails the e2e specs']
}
