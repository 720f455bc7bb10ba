import { useQuery } from '@tanstack/react-query'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { navigate, useAddress } from '../address/navigation.ts'
import { isLive, runQuery } from '../api/runs.ts'
import type { RunDetail } from '../api/runs.ts'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { Tabs } from '../design/tabs.tsx'
import { useHere } from '../shell/place-context.ts'
import { ContextView } from './context-view.tsx'
import { EventsView } from './events-view.tsx'
import { Overview } from './overview.tsx'
import { TimelineView } from './timeline-view.tsx'

const NAMES = ['overview', 'context', 'timeline', 'events'] as const
type Name = (typeof NAMES)[number]

/** Everything that a run did, for those who are allowed to know. */
export function Inspector({ runId }: { readonly runId: string }) {
  const { place } = useHere()
  const run = useQuery(runQuery(place, runId))
  const address = useAddress()
  if (run.isPending) return <Skeleton lines={8} label="Loading the run" />
  // A right that was taken away takes with it what was seen by it.
  const gone = isAmbitError(run.error) && run.error.code === 'not_found'
  if (!run.data || gone) return <Problem error={run.error} retry={() => void run.refetch()} />
  const wanted = address?.search['tab']
  const tab = NAMES.find((name) => name === wanted) ?? 'overview'
  const choose = (name: Name) => address && navigate({ ...address, search: { ...address.search, tab: name } }, { replace: true })
  return (
    <>
      {run.isError && <Problem error={run.error} retry={() => void run.refetch()} />}
      <Tabs label="What the run did" value={tab} onChange={choose} tabs={viewsOf(run.data)} />
    </>
  )
}

function viewsOf(run: RunDetail) {
  return [
    { name: 'overview', label: 'Overview', content: <Overview run={run} /> },
    { name: 'context', label: 'Context', content: <ContextView run={run} /> },
    { name: 'timeline', label: 'Timeline', content: <TimelineView run={run} /> },
    { name: 'events', label: 'Events', content: <EventsView run={run} live={isLive(run)} /> },
  ] as const
}
