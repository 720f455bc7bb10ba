import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Run, RunDetail } from '../../../src/lib/http/run-schema.ts'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import type { PageOf } from './pages.ts'
import { ask, pathOf } from './request.ts'

export type { Call, Claim, Run, RunDetail, Step } from '../../../src/lib/http/run-schema.ts'

export interface RunFilter {
  /** By commas; '' for all. */
  readonly state: string
  readonly mine: boolean
  readonly thread: string | null
}

const PAGE = 50
/** A run that goes on has news without an event: its steps and calls. */
const LIVE_MS = 1_000

export function isLive({ state }: Pick<Run, 'state'>): boolean {
  return state === 'running' || state === 'queued'
}

/** Whether this reader may not see what the run has read, and so not what it did. */
export function isHidden({ usage }: Pick<Run, 'usage'>): boolean {
  return usage === null
}

export function runQuery(place: Place | null, id: string) {
  return queryOptions({
    queryKey: [placeKey(place), 'runs', 'one', id],
    queryFn: ({ signal }) => ask<RunDetail>(`${pathOf(place)}/runs/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: ({ state: { data } }) => (data && isLive(data) ? LIVE_MS : false),
  })
}

export function runsQuery(place: Place | null, { state, mine, thread }: RunFilter) {
  return infiniteQueryOptions({
    queryKey: [placeKey(place), 'runs', 'list', state, mine, thread],
    queryFn: ({ signal, pageParam }) =>
      ask<PageOf<'runs', Run>>(`${pathOf(place)}/runs`, { signal, query: { limit: PAGE, after: pageParam, state: state === '' ? null : state, author: mine ? 'me' : null, thread } }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap(({ runs }) => runs),
  })
}

export async function stopRun(place: Place | null, { thread_id: thread, id }: Pick<Run, 'thread_id' | 'id'>): Promise<void> {
  await ask(`${pathOf(place)}/chat/${encodeURIComponent(thread)}/stop`, { method: 'POST', body: { run: id } })
}
