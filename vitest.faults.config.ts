import { defineConfig } from 'vitest/config'
import { faultReporter } from './test/support/faults/fault-reporter.ts'

/** Everything that can die or stand still, at every point of a run: `npm run test:faults`. Takes its time. */
export default defineConfig({
  test: {
    include: ['test/faults/**/*.faults.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/leak-check.ts'],
    pool: 'forks',
    isolate: true,
    reporters: ['default', faultReporter()],
    // A cell that waits for a lease leaves the processor to others.
    maxWorkers: 2,
    maxConcurrency: 4,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
})
