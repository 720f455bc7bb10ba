import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

/**
 * Files that take long, the longest first, as they were measured. In a fresh checkout vitest knows only how big a file is, and one of
 * 40 lines that takes a minute would begin last: one worker would work, and the others look on.
 */
const LONG = [
  'hosts/package', 'hosts/next',
  'faults/matrix-quick', 'walls/oracle', 'walls/matrix', 'walls/matrix-carriers', 'faults/takeover', 'cli/embedded', 'faults/database-away', 'walls/doctor',
  'node/reloadable', 'flows/stream-bounds', 'walls/oracle-mutation', 'faults/provider-faults', 'docs/snippets', 'store/expose-walls', 'walls/scale',
  'walls/oracle-removal', 'client/broken-connection', 'cli/expose', 'walls/oracle-door', 'cli/postgres', 'cli/config',
]

/** The long ones first, and then as vitest would have them: by what they took the last time, else by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other))
  }
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = LONG.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`))
  return place === -1 ? LONG.length : place
}
