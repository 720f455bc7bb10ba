import { findOutcome } from '../store/call-rows.ts'
import type { Chunk } from '../wire/chunk.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { callTools } from './call-tools.ts'
import type { Drive } from './drive-run.ts'
import type { OpenStep } from './resumption.ts'

/** The second part of a step: its calls are committed, and are made. Nothing of it is dropped any more. Answers the parts of the whole step. */
export async function callStep({ run, parts, pen, scope, told }: Drive, step: OpenStep): Promise<readonly MessagePart[]> {
  await scope.askAgain() // what was heard before the model spoke is no answer for what it wants to do now
  const { id: runId, projectId } = run.owned
  await callTools(step.calls, {
    runId,
    limits: run.context.limits,
    signal: run.signal,
    log: run.log,
    cite: told.citations.cite,
    async toolNow(name) {
      const allowed = await scope.askSoon()
      return parts.toolbox.bind(allowed, parts).find((tool) => tool.name === name) ?? null
    },
    claim: (id) => pen.commit({ claimed: [id] }),
    settle: (id, { chunk, reads, state }) => pen.commit({ chunks: [chunk], reads, settled: { id, state } }),
    async recorded(id) {
      const outcome = await parts.scoped(run.context.rows, (sql) => findOutcome(sql, { projectId, runId, id }))
      return outcome === null ? null : (JSON.parse(outcome) as Chunk)
    },
    recordOf: (id, chunk) => [projectId, runId, id, String(pen.fence()), JSON.stringify(chunk)],
  })
  return pen.finishStep(told.citations.named(step.text))
}
