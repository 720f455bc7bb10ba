import { followEvents } from '../api/follow-events.ts'

/** One event of a run, as it was sent. */
export interface RunEvent {
  readonly id: string
  readonly type: string
  readonly text: string
}

/** In memory at the most: the newest. */
export const MOST_EVENTS = 5_000

/** The events of a run from the start, in the portions in which they arrive; it ends with the run. A refusal that stays is thrown. */
export async function* followRunEvents(url: string, signal: AbortSignal): AsyncGenerator<readonly RunEvent[]> {
  for await (const events of followEvents(url, { after: null, signal })) yield events.map(({ id, data }) => ({ id: id ?? '', type: typeOf(data), text: data }))
}

/** Read from its beginning: of thousands of events, few are looked at whole. */
function typeOf(text: string): string {
  return /^\{"type":"([\w-]{1,64})"/.exec(text)?.[1] ?? 'unknown'
}
