import { availableParallelism } from 'node:os'
import path from 'node:path'
import { defineConfig } from '@playwright/test'
import type { HostKind } from './e2e/app.ts'
import { findChromium } from './scripts/chromium.ts'
import { findElectron } from './scripts/electron-binary.ts'

// Where Electron's binary is not, a stand-in takes its place; both need to know the Chromium.
if (findElectron().kind === 'missing') {
  process.env['ELECTRON_OVERRIDE_DIST_PATH'] = path.join(import.meta.dirname, 'e2e', 'electron-stand-in')
}
const chromium = findChromium()
if (chromium !== null) process.env['CHROMIUM_PATH'] = chromium

const quiet = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
]

/** Specs of what the page does by itself: one host is enough, the page is the same. */
const pageOnly = [
  'accessibility',
  'accessibility-chat',
  'attachments',
  'auto-screen',
  'commands',
  'content-safety',
  'drafting',
  'instructions',
  'long-conversation',
  'panes',
  'preview',
  'rendering',
  'residency',
  'return',
  'search',
  'several-models',
  'tour',
  'tree',
  'turn-commands',
].map((name) => `${name}.spec.ts`)

/** The same specs on both hosts, but for those of the page alone, and a few for what only one of them has. They run on the built app: `npm run build` first. */
export default defineConfig<{ hostKind: HostKind }>({
  testDir: 'e2e',
  outputDir: 'test-results',
  // Each test runs an app of its own, with real models on it and one thread each.
  workers: availableParallelism() >= 4 ? 2 : 1,
  fullyParallel: true,
  timeout: 60_000,
  // On a busy machine a real model may answer late once; what fails twice is broken. The report names what needed a second try.
  retries: 1,
  expect: { timeout: 15_000 },
  forbidOnly: process.env['CI'] !== undefined,
  reporter: 'list',
  use: {
    ...(chromium !== null && { launchOptions: { executablePath: chromium, args: quiet } }),
    viewport: { width: 1280, height: 840 },
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'desktop', use: { hostKind: 'desktop' }, testIgnore: ['headless-*', ...pageOnly] },
    { name: 'headless', use: { hostKind: 'headless' }, testIgnore: 'desktop-*' },
  ],
})
