import { parseCursor } from '../../../src/lib/journal/cursor.ts'
import { FAULT_SCOPE, headersOf } from './history.ts'
import type { Door, History } from './history.ts'
import type { Recorded } from './record.ts'
import type { KeptFrame } from './split-frames.ts'

const AT_A_TIME = 8
const DONE = 'data: [DONE]\n\n'

interface Question {
  readonly door: Door
  readonly runId: string
  /** Null: from the beginning. */
  readonly after: string | null
  /** Null: 204. */
  readonly expected: string | null
}

/**
 * I4: from every place in every run, on every node, the answer is the exact rest. Also from each place that a reader
 * stood at and that was dropped: there it begins with a reset-step.
 */
export async function resumeFaults(recorded: Recorded, histories: readonly History[], asked: { readonly doors: readonly Door[]; readonly key: string }): Promise<readonly string[]> {
  const questions = asked.doors.flatMap((door) =>
    recorded.runs.flatMap((run) => {
      const kept = recorded.frames.get(run.id) ?? []
      const places = [null, ...kept.map((frame) => frame.id)]
      const exact = places.map((after, index) => ({ door, runId: run.id, after, expected: index === kept.length ? null : restAfter(kept, index) }))
      return [...exact, ...droppedPlaces(run.id, recorded, histories).map((place) => ({ door, runId: run.id, ...place }))]
    }),
  )
  const faults: string[] = []
  for (let first = 0; first < questions.length; first += AT_A_TIME) {
    const answers = await Promise.all(questions.slice(first, first + AT_A_TIME).map((question) => faultOf(question, asked.key)))
    faults.push(...answers.filter((fault) => fault !== null))
  }
  return faults
}

function restAfter(kept: readonly KeptFrame[], index: number): string {
  return kept.slice(index).map((frame) => frame.text).join('') + DONE
}

/** Where readers stood in attempts that were dropped, and what they must be told there: by the first claim after their fence. */
function droppedPlaces(runId: string, { claims, frames }: Recorded, histories: readonly History[]): readonly { readonly after: string; readonly expected: string }[] {
  const kept = frames.get(runId) ?? []
  const own = claims.filter((claim) => claim.run_id === runId)
  const seen = new Set(histories.flatMap((history) => history.readers.flatMap((reader) => reader.held.map((frame) => frame.id))))
  return [...seen].flatMap((after) => {
    const place = parseCursor(after)
    const claim = place?.runId === runId ? own.find((one) => one.fence > place.fence) : undefined
    if (!place || !claim || place.seq <= claim.base) return []
    const start = kept[claim.base]
    if (start?.type !== 'start-step') return [{ after, expected: `a start-step at ${claim.base + 1}` }]
    const reset = start.text.replace('"type":"start-step"', '"type":"reset-step"')
    return [{ after, expected: reset + restAfter(kept, claim.base + 1) }]
  })
}

async function faultOf({ door, runId, after, expected }: Question, key: string): Promise<string | null> {
  const headers = { ...headersOf(key), ...(after !== null && { 'last-event-id': after }) }
  const response = await fetch(`${door.url}${FAULT_SCOPE}/runs/${runId}/events`, { headers })
  const text = withoutComments(await response.text())
  const said = `${door.name}, after ${after ?? 'nothing'}:`
  if (expected === null) return response.status === 204 ? null : `${said} ${response.status} where nothing is left`
  if (response.status !== 200) return `${said} ${response.status} ${text}`
  return text === expected ? null : `${said} ${firstDifference(text, expected)}`
}

function withoutComments(text: string): string {
  return text.replaceAll(/^:.*\n\n?/gm, '').replaceAll(/^retry:.*\n\n?/gm, '')
}

function firstDifference(got: string, expected: string): string {
  const [ours, theirs] = [got.split('\n\n'), expected.split('\n\n')]
  const index = theirs.findIndex((event, at) => event !== ours[at])
  return `${JSON.stringify(ours[Math.max(0, index)] ?? 'nothing')} where ${JSON.stringify(theirs[Math.max(0, index)])} was kept`
}
