import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPrometheus } from '../../src/lib/observe/prometheus.ts'

async function counted(prometheus: ReturnType<typeof createPrometheus>): Promise<Readonly<Record<string, number>>> {
  const lines = (await prometheus.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
}

test('what happens is counted, each Ambit for itself', async () => {
  const [one, other] = [createPrometheus(), createPrometheus()]
  one.runBegan()
  one.runsRunning(3)
  one.runEnded({ state: 'failed', code: 'model_error', seconds: 4 })
  one.runEnded({ state: 'completed', code: null, seconds: 0.2 })
  one.attemptDropped()
  one.takenOver()
  one.leaseLapsed()
  one.journalFailed()
  one.modelAnswered({ provider: 'openai', seconds: 0.3 })
  one.modelEnded({ provider: 'openai', outcome: 'completed' })
  one.stored({ handle: 'scoped', ok: false, seconds: 0.004 })
  one.answered({ route: 'GET /v1/me', status: 200 })
  one.streamBegan()
  one.streamBegan()
  one.streamEnded('stalled')
  expect(await counted(one)).toMatchObject({
    ambit_runs_begun_total: 1,
    ambit_runs_running: 3,
    'ambit_runs_ended_total{state="failed",code="model_error"}': 1,
    'ambit_runs_ended_total{state="completed",code="none"}': 1,
    'ambit_run_seconds_bucket{le="5",state="failed"}': 1,
    'ambit_attempts_dropped_total': 1,
    ambit_takeovers_total: 1,
    ambit_lease_lapses_total: 1,
    ambit_journal_failures_total: 1,
    'ambit_model_first_word_seconds_bucket{le="0.5",provider="openai"}': 1,
    'ambit_model_calls_total{provider="openai",outcome="completed"}': 1,
    'ambit_store_seconds_count{handle="scoped"}': 1,
    'ambit_store_failures_total{handle="scoped"}': 1,
    'ambit_requests_total{route="GET /v1/me",status="200"}': 1,
    ambit_streams_open: 1,
    'ambit_streams_ended_total{end="stalled"}': 1,
    ambit_resident_bytes: expect.any(Number),
  })
  expect(await counted(other)).toMatchObject({ ambit_runs_begun_total: 0, ambit_streams_open: 0 })
  one.close()
  other.close()
})

test('how late the event loop was is told since the last question, and watched only once somebody has asked', async () => {
  const prometheus = createPrometheus()
  expect((await counted(prometheus))['ambit_event_loop_lag_seconds{quantile="1"}']).toBe(0)
  await delay(60)
  for (const until = performance.now() + 150; performance.now() < until; );
  await delay(60)
  expect((await counted(prometheus))['ambit_event_loop_lag_seconds{quantile="1"}']).toBeGreaterThan(0.05)
  prometheus.close()
})
