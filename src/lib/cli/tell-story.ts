import type { RunFacts } from '../store/on-call-rows.ts'
import type { Story } from './on-call-work.ts'
import { placeOf } from './tell-runs.ts'
import { tellMs, troublesOf } from './trouble.ts'
import type { TroubleCode } from './trouble.ts'
import { columns } from './usage.ts'

/** One run from its beginning, and what to do now. */
export function tellStory(story: Story, wallMs: number): string {
  const { run, claims, steps, calls } = story
  const parts = [
    `Run ${run.id} in ${placeOf(run)}, thread ${run.thread_id}\nAsked for by ${run.author_id} at ${run.created_at}, of the model ${run.model_id}`,
    table('Claims: who drove it', [
      ['fence', 'after frame', 'why', 'node', 'at'],
      ...claims.map((one) => [String(one.fence), String(one.base), one.reason, one.node_id || '–', one.claimed_at]),
    ]),
    table('Steps: the calls of its model that ended', [
      ['step', 'fence', 'ended with', 'tokens', 'at'],
      ...steps.map((one) => [String(one.number), String(one.fence), one.finish_reason, `${one.input_tokens ?? '?'} in, ${one.output_tokens ?? '?'} out`, one.ended_at]),
    ]),
    table('Calls: the tools that it called', [
      ['step', 'tool', 'effect', 'state', 'claimed', 'settled'],
      ...calls.map((one) => [String(one.step), one.name, one.effect, one.state, one.claimed_at ?? '–', one.settled_at ?? '–']),
    ]),
    `Now\n${standsAt(story).map((line) => `  ${line}`).join('\n')}`,
    `What to do\n${adviceOn(story, wallMs).map((line) => `  ${line}`).join('\n')}`,
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

/** '' where there is nothing but the head. */
function table(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 1 ? '' : `${title}\n${columns(rows)}`
}

function standsAt({ run, steps, calls }: Story): readonly string[] {
  const { state } = run
  if (state === 'queued') return [run.behind === null ? `It is the first of its queue, and may begin (for ${tellMs(run.startable_ms)}).` : `It waits for run ${run.behind} in its thread.`]
  if (state !== 'running') return [endOf(run)]
  const owner = run.leased ? `Node ${run.node_id} drives it (for ${tellMs(run.claimed_ms)}), and its lease holds.` : `Nobody drives it (for ${tellMs(run.undriven_ms)}): the lease of node ${run.node_id}, which had it, has ended.`
  const waits = calls.filter((one) => one.state === 'ready' || one.state === 'claimed').map(({ name }) => name)
  const at = waits.length > 0 ? `It waits for ${waits.length === 1 ? 'the tool' : 'the tools'} ${waits.join(', ')}, in step ${steps.length + 1}.` : `It is at the model call of step ${steps.length + 1}.`
  return [owner, at, ...(run.stop_asked_ms === null ? [] : [`It was asked to stop ${tellMs(run.stop_asked_ms)} ago.`])]
}

function endOf({ state, finish_reason, error_code, ended_at }: RunFacts): string {
  const how = [finish_reason, error_code].filter((one) => one !== null).join(', ')
  return `It ended at ${ended_at}: ${state}${how === '' ? '' : ` (${how})`}.`
}

function adviceOn(story: Story, wallMs: number): readonly string[] {
  const { run, calls, nodes } = story
  const doubts = calls.filter((one) => one.state === 'unknown')
  const doubtful = doubts.map(({ name, id }) => `The call ${id} of ${name} may have happened or not: no answer of its tool was recorded. Look in the system that it acts on.`)
  if (run.state !== 'queued' && run.state !== 'running') return [...afterEnd(run), ...doubtful]
  const nobody = nodes === 0 ? ['Nothing drives answers on this database: start a node, or a worker.'] : []
  const troubles = troublesOf(run, wallMs).filter(({ code }) => nodes > 0 || !NEEDS_A_NODE.includes(code))
  const now = [...nobody, ...troubles.map(({ says, mend }) => `${says[0]?.toUpperCase()}${says.slice(1)}. ${mend}`)]
  if (now.length === 0) now.push(run.leased && nodes > 1 ? `${ITS_WAY} ${LOOK_AGAIN}` : ITS_WAY)
  return [...now, ...doubtful]
}

const ITS_WAY = 'Nothing: it goes its way.'
const LOOK_AGAIN = '(A node that has died since is found out when its lease ends: look again in 10 s.)'
/** What is said already where there is none. */
const NEEDS_A_NODE: readonly TroubleCode[] = ['undriven', 'unstarted']

const BY_CODE: Readonly<Record<string, string>> = {
  interrupted: 'It was ended with the process that drove it. The person can ask again.',
  scope_changed: 'Who asked may no longer do so there: a membership, a project or a grant was taken away, or the key was revoked or has expired. The log says which: the line "the run was ended" has it as `lost`. Nothing, where that was meant.',
  ai_unavailable: 'Chat was switched off there while it was answered. Nothing, where that was meant.',
  model_error: 'Its provider refused or failed: look at its status page, at AMBIT_MODEL and the key.',
  model_idle: 'Its provider fell silent (modelIdleMs, modelFirstMs): look at its status page.',
  model_slow: 'Its provider took too long (modelMs): look at its status page.',
  model_empty: 'Its provider answered with nothing: look at its status page, and at the name of the model.',
  run_limit: 'It came to a limit of bytes, frames or time. Where answers need more: createAmbit({ limits }).',
}

function afterEnd({ state, error_code, id }: RunFacts): readonly string[] {
  if (state !== 'failed') return ['Nothing: it has ended.']
  const known = BY_CODE[error_code ?? '']
  return [...(known === undefined ? [] : [known]), `The lines of the log with "run_id":"${id}" hold the cause.`]
}
