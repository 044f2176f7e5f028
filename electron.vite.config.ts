import path from 'node:path'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'
import type { Plugin } from 'vite'

/** Main: the desktop shell, the headless host and the model process; one sandboxed preload; one page for both hosts. */
export default defineConfig({
  main: {
    build: {
      rolldownOptions: {
        input: {
          index: 'src/main/electron/index.ts',
          headless: 'src/main/headless/index.ts',
          model: 'src/main/model/index.ts',
        },
      },
    },
  },
  preload: {
    build: {
      rolldownOptions: {
        input: { index: 'src/preload/index.ts' },
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  },
  renderer: {
    root: 'src/renderer',
    plugins: [react(), woff2Only()],
    build: {
      minify: true,
      chunkSizeWarningLimit: 4000,
      // The page's policy knows no data: fonts.
      assetsInlineLimit: 0,
      // From this machine all comes at once: there is nothing to be won by asking ahead, and the page's policy has no say in it.
      modulePreload: { polyfill: false },
      // Whole: building takes it from here, and the development server from its root.
      rolldownOptions: { input: path.join(import.meta.dirname, 'src/renderer/index.html') },
    },
  },
})

/** KaTeX brings each of its fonts three times; every browser that runs this page reads woff2. */
function woff2Only(): Plugin {
  return {
    name: 'woff2-only',
    enforce: 'pre',
    transform: {
      filter: { id: /katex.*\.css/ },
      handler: (code) => code.replaceAll(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)/g, ''),
    },
  }
}
