import { defineConfig } from 'vitest/config'

/** Unit tests sit beside the code; the e2e specs belong to Playwright. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts'],
    env: { PLENUM_THREADS: '1' },
    testTimeout: 30_000,
    maxWorkers: 2,
    // A test may ask what is still in memory.
    execArgv: ['--expose-gc'],
  },
})
