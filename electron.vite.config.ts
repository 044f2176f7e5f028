import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

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
    plugins: [react()],
    // The page comes from this machine: one large file is quicker there than several.
    build: {
      minify: true,
      chunkSizeWarningLimit: 4000,
      rolldownOptions: { input: 'src/renderer/index.html' },
    },
  },
})
