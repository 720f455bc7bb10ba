import { defineConfig } from 'vitest/config'

/** The packed tarball in other people's frameworks: `npm run test:hosts`. One file at a time, since each installs packages. */
export default defineConfig({
  test: {
    include: ['test/hosts/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/hosts/support/pack.ts'],
    pool: 'forks',
    isolate: true,
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 10_000,
  },
})
