import { addressIn } from '../address/navigation.ts'
import { Link } from '../address/link.tsx'
import { isHidden, isLive } from '../api/runs.ts'
import type { RunDetail } from '../api/runs.ts'
import { countOf, plural } from '../design/count.ts'
import { durationOf } from '../design/duration.ts'
import { wholeOf } from '../design/moment.tsx'
import { Notice } from '../design/notice.tsx'
import { RunState, failureOf } from '../runs/run-state.tsx'
import { useNow } from '../runs/use-now.ts'
import { useHere } from '../shell/place-context.ts'
import { Facts } from './facts.tsx'
import type { Fact } from './facts.tsx'
import { Meter } from './meter.tsx'

/** Who asked, where, with which model and within which limits; and how it went. */
export function Overview({ run }: { readonly run: RunDetail }) {
  const now = useNow(isLive(run))
  const tookMs = Math.max(0, (run.ended_at === null ? now : Date.parse(run.ended_at)) - Date.parse(run.created_at))
  return (
    <>
      <Facts title="Run" facts={factsOf(run, tookMs)} />
      {isHidden(run) ? <Notice title="The rest is hidden from you">This run has read from a project that you are not in.</Notice> : (
        <>
          <Facts title="Tokens" facts={tokensOf(run)} />
          {run.scope === null ? <Notice>In whose name it ran cannot be told: another version of the server wrote it down.</Notice> : <Scope run={run} scope={run.scope} tookMs={tookMs} />}
        </>
      )}
      <Facts title="By which the log is searched" facts={[['Run', <code key="run">{run.id}</code>], ['Thread', <code key="thread">{run.thread_id}</code>], ['Answer', <code key="answer">{run.message_id}</code>]]} />
    </>
  )
}

function factsOf(run: RunDetail, tookMs: number): readonly Fact[] {
  const { claims, steps, calls } = run
  const times = (wanted: string) => claims.filter(({ reason }) => reason === wanted).length
  const started = claims.find(({ reason }) => reason === 'started')
  const nodes = [...new Set(claims.flatMap(({ node }) => (node === null ? [] : [node])))]
  return [
    ['State', <RunState key="state" state={run.state} />],
    run.error_code === null ? null : ['Why', failureOf(run.error_code)],
    run.finish_reason === null ? null : ['The model ended', endingOf(run.finish_reason)],
    ['Chat', <Chat key="chat" run={run} />],
    ['Model', run.model],
    ['Asked', wholeOf(run.created_at)],
    [isLive(run) ? 'For' : 'Took', durationOf(tookMs)],
    started ? ['Of that, waited', durationOf(Date.parse(started.claimed_at) - Date.parse(run.created_at))] : null,
    isHidden(run) ? null : ['Did', `${plural(steps.length, 'step')}, ${plural(calls.length, 'tool call')}`],
    times('takeover') === 0 ? null : ['Taken over', plural(times('takeover'), 'time')],
    times('retry') === 0 ? null : ['Gone on with', plural(times('retry'), 'time')],
    nodes.length === 0 ? null : [nodes.length === 1 ? 'Node' : 'Nodes', nodes.join(', ')],
  ]
}

/** The chat that it answers in, and all that ran there. */
function Chat({ run }: { readonly run: RunDetail }) {
  const { place } = useHere()
  const { thread_id: thread, thread_title: title } = run
  if (title === null) return 'not yours to see'
  return <><Link to={addressIn(place, 'chats', thread, { run: run.id })}>{title === '' ? 'Untitled' : title}</Link> (<Link to={addressIn(place, 'runs', run.id, { thread })}>all its runs</Link>)</>
}

function tokensOf({ usage, steps, state }: RunDetail): readonly Fact[] {
  const cached = steps.flatMap((step) => step.usage.inputTokens?.cacheRead ?? [])
  const thought = steps.reduce((sum, step) => sum + (step.usage.outputTokens?.reasoning ?? 0), 0)
  return [
    ['Read', countOf(usage?.input_tokens)],
    ['From a cache', countOf(cached.length === 0 ? null : cached.reduce((sum, one) => sum + one, 0))],
    ['Written', countOf(usage?.output_tokens)],
    thought === 0 ? null : ['Of that, to think', countOf(thought)],
    usage?.unknown && state !== 'queued' ? ['More', state === 'running' ? 'The step that is under way is not counted yet.' : 'Perhaps: not every model call told, or one was cut.'] : null,
  ]
}

function Scope({ run, scope, tookMs }: { readonly run: RunDetail; readonly scope: NonNullable<RunDetail['scope']>; readonly tookMs: number }) {
  const { principal, limits } = scope
  const name = principal.name ?? run.author_name
  return (
    <>
      <Facts title="In whose name" facts={[
        ['Asked by', name === null || name === principal.subject ? principal.subject : `${name} (${principal.subject})`],
        ['As', `${scope.role}${principal.kind === 'service' ? ', a service' : ''}`],
        ['May', scope.may.join(', ')],
        ['Organisation', scope.org.name],
        ['Project', scope.project?.name ?? 'none: the organisation itself'],
        ['Models', scope.models.join(', ')],
        ['Tools', scope.tools.length === 0 ? 'none' : scope.tools.join(', ')],
      ]} />
      <Facts title="Limits" facts={[
        ['Steps', <Meter key="steps" used={run.steps.length} of={limits.steps} />],
        ['Tool calls', <Meter key="calls" used={run.calls.length} of={limits.calls} />],
        ['Time', <Meter key="time" used={tookMs} of={limits.run_ms} words={durationOf} />],
        ['Context tokens', run.manifest ? <Meter key="context" used={run.manifest.entries.reduce((sum, { told }) => sum + told, 0)} of={run.manifest.budget} /> : `unknown of ${countOf(limits.context_tokens)}`],
      ]} />
    </>
  )
}

/** Why the model said no more, in words. */
function endingOf(reason: string): string {
  return ENDINGS[reason] ?? reason
}

const ENDINGS: Readonly<Record<string, string>> = {
  stop: 'with a whole answer',
  length: 'at the most that it may write at once',
  'content-filter': 'where a filter of its provider cut it off',
  'tool-calls': 'with a call that was not answered',
  interrupted: 'where it was broken off',
}
