import type { RunDetail } from '../api/runs.ts'
import { isLive } from '../api/runs.ts'
import { countOf, plural } from '../design/count.ts'
import { Moment, durationOf } from '../design/moment.tsx'
import { Notice } from '../design/notice.tsx'
import { RunState, failureOf } from '../runs/run-state.tsx'
import { useNow } from '../runs/use-now.ts'
import { Facts } from './facts.tsx'
import { Meter } from './meter.tsx'

/** Who asked, where, with which model and within which limits; and how it went. */
export function Overview({ run }: { readonly run: RunDetail }) {
  const { scope, usage, steps, calls, claims } = run
  const now = useNow(isLive(run))
  const takeovers = claims.filter(({ reason }) => reason === 'takeover').length
  const retries = claims.filter(({ reason }) => reason === 'retry').length
  const tookMs = (run.ended_at === null ? now : Date.parse(run.ended_at)) - Date.parse(run.created_at)
  return (
    <>
      <Facts title="Run" facts={[
        ['State', <RunState key="state" state={run.state} />],
        run.error_code === null ? null : ['Why', failureOf(run.error_code)],
        run.finish_reason === null ? null : ['The model ended', run.finish_reason],
        ['Model', run.model],
        ['Began', <Moment key="began" at={run.created_at} />],
        [isLive(run) ? 'Since' : 'Took', durationOf(Math.max(0, tookMs))],
        ['Steps', scope === null ? 'hidden' : plural(steps.length, 'step')],
        takeovers === 0 ? null : ['Taken over', plural(takeovers, 'time')],
        retries === 0 ? null : ['Asked again', plural(retries, 'time')],
        ['Id', <code key="id">{run.id}</code>],
      ]} />
      {usage && <Facts title="Tokens" facts={[['Read', countOf(usage.input_tokens)], ['Written', countOf(usage.output_tokens)], usage.unknown ? ['More', 'Perhaps: not every model call told.'] : null]} />}
      {scope && (
        <>
          <Facts title="In whose name" facts={[
            ['Asked by', `${scope.principal.name ?? run.author_name ?? scope.principal.subject} (${scope.principal.subject})`],
            ['Role', scope.role],
            ['Organisation', scope.org.name],
            ['Project', scope.project?.name ?? 'the organisation itself'],
            ['May', scope.may.join(', ')],
            ['Tools', scope.tools.length === 0 ? 'none' : scope.tools.join(', ')],
            ['Models', scope.models.join(', ')],
          ]} />
          <Facts title="Limits" facts={[
            ['Steps', <Meter key="steps" used={steps.length} of={scope.limits.steps} />],
            ['Tool calls', <Meter key="calls" used={calls.length} of={scope.limits.calls} />],
            ['Time', <Meter key="time" used={Math.max(0, tookMs)} of={scope.limits.run_ms} words={durationOf} />],
            ['Context', run.manifest ? <Meter key="context" used={run.manifest.entries.reduce((sum, { told }) => sum + told, 0)} of={run.manifest.budget} /> : 'not told yet'],
          ]} />
        </>
      )}
      {scope === null && <Notice>Who asked and what it did is hidden from you: it has read from a project that you are not in.</Notice>}
    </>
  )
}
