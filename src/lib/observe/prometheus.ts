import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Metrics } from './metrics.ts'

/** The metrics of one Ambit, and their text. */
export interface Prometheus extends Metrics {
  /** All of them in Prometheus' text format, version 0.0.4. */
  text(): Promise<string>
  close(): void
}

/** A transaction is a matter of milliseconds, a first word of seconds, a run of minutes. */
const STORE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const FIRST_WORD_SECONDS = [0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60]
const RUN_SECONDS = [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 900]

/** Node counts the time from one of its own ticks to the next, and not only what was too much of it. */
const RESOLUTION_S = 0.02

/** Counts in a registry of its own: two Ambits in one process, or a host that counts for itself, see nothing of each other. */
export function createPrometheus(): Prometheus {
  const registry = new Registry()
  const registers = [registry]
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter({ name: `ambit_${name}`, help, labelNames: [...labelNames], registers })
  const gauge = (name: string, help: string) => new Gauge({ name: `ambit_${name}`, help, registers })
  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: readonly Label[] = []) =>
    new Histogram({ name: `ambit_${name}`, help, buckets, labelNames: [...labelNames], registers })

  const runsBegun = counter('runs_begun_total', 'Runs that were opened here.')
  const runsEnded = counter('runs_ended_total', 'Runs that ended here, by state and error code.', ['state', 'code'])
  const runSeconds = histogram('run_seconds', 'How long runs took.', RUN_SECONDS, ['state'])
  const running = gauge('runs_running', 'Runs that this node drives.')
  const takeovers = counter('takeovers_total', 'Runs that this node took over.')
  const dropped = counter('attempts_dropped_total', 'Model calls that broke off after their first word, and were made again.')
  const lapses = counter('lease_lapses_total', 'How often this node was past its lease.')
  const streams = gauge('streams_open', 'Streams that are open.')
  const streamsEnded = counter('streams_ended_total', 'Streams that ended, by how.', ['end'])
  const streamsRefused = counter('streams_refused_total', 'Streams that were refused, by the bound that was reached.', ['bound'])
  const firstWord = histogram('model_first_word_seconds', 'From the call of a model to the first of its answer.', FIRST_WORD_SECONDS, ['provider'])
  const modelCalls = counter('model_calls_total', 'Model calls, by provider and outcome.', ['provider', 'outcome'])
  const storeSeconds = histogram('store_seconds', 'How long transactions took, connecting included, by handle.', STORE_SECONDS, ['handle'])
  const storeFailures = counter('store_failures_total', 'Transactions that failed, by handle.', ['handle'])
  const journalFailures = counter('journal_failures_total', 'Failures of the journal that nodes share.')
  const requests = counter('requests_total', 'Requests, by route and status.', ['route', 'status'])
  const eventLoop = watchEventLoop(registry)
  registry.registerMetric(new Gauge({
    name: 'ambit_resident_bytes', help: 'Memory of the process.', registers: [],
    collect() {
      this.set(process.memoryUsage.rss())
    },
  }))

  return {
    runBegan: () => runsBegun.inc(),
    runEnded({ state, code, seconds }) {
      runsEnded.inc({ state, code: code ?? 'none' })
      runSeconds.observe({ state }, seconds)
    },
    runsRunning: (count) => running.set(count),
    takenOver: () => takeovers.inc(),
    attemptDropped: () => dropped.inc(),
    leaseLapsed: () => lapses.inc(),
    streamBegan: () => streams.inc(),
    streamEnded(end) {
      streams.dec()
      if (end) streamsEnded.inc({ end })
    },
    streamRefused: (bound) => streamsRefused.inc({ bound }),
    modelAnswered: ({ provider, seconds }) => firstWord.observe({ provider }, seconds),
    modelEnded: ({ provider, outcome }) => modelCalls.inc({ provider, outcome }),
    stored({ handle, ok, seconds }) {
      storeSeconds.observe({ handle }, seconds)
      if (!ok) storeFailures.inc({ handle })
    },
    journalFailed: () => journalFailures.inc(),
    answered: ({ route, status }) => requests.inc({ route, status: String(status) }),
    text: () => registry.metrics(),
    close: eventLoop.close,
  }
}

/**
 * How late the event loop was since the last time that somebody asked: what makes every stream of a node late at once. It is
 * watched from the first question on, so that an Ambit which nobody asks has no timer.
 */
function watchEventLoop(registry: Registry): { close(): void } {
  let delays: ReturnType<typeof monitorEventLoopDelay> | undefined
  let closed = false
  registry.registerMetric(new Gauge({
    name: 'ambit_event_loop_lag_seconds', help: 'How late the event loop was since the last question.', labelNames: ['quantile'], registers: [],
    collect() {
      if (!delays && !closed) {
        delays = monitorEventLoopDelay({ resolution: RESOLUTION_S * 1_000 })
        delays.enable()
      }
      const lag = (percent: number) => (delays && delays.count > 0 ? Math.max(0, delays.percentile(percent) / 1e9 - RESOLUTION_S) : 0)
      this.set({ quantile: '0.5' }, lag(50))
      this.set({ quantile: '0.99' }, lag(99))
      this.set({ quantile: '1' }, lag(100))
      delays?.reset()
    },
  }))
  return {
    close() {
      closed = true
      delays?.disable()
    },
  }
}
