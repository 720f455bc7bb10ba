import { defineConfig } from 'vitest/config'
import { LongestFirst } from './test/support/longest-first.ts'

/** The packed tarball in other people's frameworks: `npm run test:hosts`. One more at a time than there are processors: each waits for packages. */
export default defineConfig({
  test: {
    include: ['test/hosts/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/hosts/support/pack.ts'],
    pool: 'forks',
    isolate: true,
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 10_000,
  },
})
