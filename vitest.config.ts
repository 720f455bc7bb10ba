import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

export default defineConfig({
  // For the examples, which are packages of their own.
  resolve: { alias: [{ find: /^ambit$/, replacement: `${import.meta.dirname}/src/index.ts` }, { find: /^ambit\/(\w+)$/, replacement: `${import.meta.dirname}/src/$1.ts` }] },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/hosts/**'], // vitest.hosts.config.ts
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/leak-check.ts'],
    // A process per file: what one leaks is found there, and nowhere else.
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
  },
})
