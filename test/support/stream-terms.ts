import { PassThrough } from 'node:stream'
import { createLog } from '../../src/lib/observe/log.ts'
import type { StreamTerms } from '../../src/lib/http/respond.ts'
import type { StreamEnd } from '../../src/lib/observe/metrics.ts'

/** What a stream is held to that no Ambit opened, and how it ended. */
export interface Terms extends StreamTerms {
  readonly ends: readonly (StreamEnd | null)[]
}

const log = createLog({ level: 'silent', destination: new PassThrough() })

/** Long enough for none of them to come, but for those that are given. */
export function streamTerms(limits: Partial<StreamTerms['limits']> = {}): Terms {
  const ends: (StreamEnd | null)[] = []
  return {
    requestId: 'q',
    limits: { heartbeatMs: 60_000, stallMs: 60_000, streamMs: 60_000, ...limits },
    log,
    place: { ok: true, leave: (end) => void ends.push(end), unlessRefused: (work) => work },
    ends,
  }
}
