import { Agent } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { seeded } from '../test/support/faults/seeded.ts'
import { startPostgres } from '../test/support/postgres-server.ts'
import { startChild } from './child.ts'
import type { Child } from './child.ts'
import { pin } from './pin.ts'
import { startMeasuredRedis } from './redis.ts'
import { ask } from './soak/ask.ts'
import type { Asking } from './soak/ask.ts'
import { openLedger } from './soak/ledger.ts'
import type { Ledger, Tally } from './soak/ledger.ts'
import { drawPlan } from './soak/plan.ts'
import type { Plan } from './soak/plan.ts'
import { delays, tableOf } from './soak/report.ts'
import { HEAP_GROWTH, heapGrowth, leftOpen, slope } from './soak/samples.ts'
import type { Sample } from './soak/samples.ts'
import { openStored } from './soak/stored.ts'
import type { Stored } from './soak/stored.ts'
import type { Vitals } from './soak/watch-process.ts'
import { plantTenant } from './tenant.ts'

const USAGE = `npm run bench:soak -- [--minutes 10] [--streams 200] [--seed 1] [--redis]

So many readers at a time ask one Ambit, drop their connections and come back, stop and go. Ends with 1 where something was
lost or left open, or where the heap has grown. --redis: with the journal in Redis.
AMBIT_TEST_POSTGRES_URL names a PostgreSQL of your own (a superuser's URL); without it one is started, with fsync off.
`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    streams: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    redis: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const [MINUTES, STREAMS, SEED] = [values.minutes, values.streams, values.seed].map(Number)
const MINUTE_MS = 60_000
const SAMPLE_MS = 10_000
const SAMPLES = 18
const RAMP_MS = 20
/** A thread has so many questions; then there is another one. */
const TURNS = 4
const QUIET_MS = 10_000
/** What is closed after ten seconds of idleness may take a moment longer. */
const QUIETER_MS = 5_000
const LAST_RUNS_MS = 90_000
const SHOWN = 20

interface Stage {
  readonly server: Child<string>
  readonly upstream: Child<string>
  readonly stored: Stored
  readonly asking: Omit<Asking, 'agent'>
  readonly say: (line: string) => void
}

/** Readers side by side. */
interface Lanes {
  readonly streams: number
  /** Nothing is asked after it, and everybody asks once. */
  readonly untilMs: number
  readonly name: string
  plansOf(lane: number): () => Plan
}

const WARM_UP: Plan = { script: { tokens: 100 }, drops: [{ after: 10, awayMs: 0, door: 'run' }], stopAfter: null, leaveAfter: null }

interface Soaked {
  readonly before: Sample
  readonly samples: readonly Sample[]
  readonly after: Sample
  readonly quietMs: number
  readonly ledger: Ledger
  readonly modelCalls: number
}

async function soak(stage: Stage, { loadMs, streams, seed }: { loadMs: number; streams: number; seed: number }): Promise<Soaked> {
  const ledger = openLedger(stage.stored)
  stage.say('warming up')
  await askAll(stage, ledger, { streams: Math.min(streams, 20), untilMs: 0, name: 'warm', plansOf: () => () => WARM_UP })
  await untilEnded(stage, ledger)
  await pause(QUIET_MS)
  const before = await sampleOf(stage, 0)

  stage.say(`${streams} streams for ${(loadMs / MINUTE_MS).toFixed(1)} minutes`)
  const start = performance.now()
  const asked = askAll(stage, ledger, {
    streams,
    untilMs: start + loadMs,
    name: 'soak',
    plansOf(lane) {
      const chance = seeded(seed * 10_007 + lane)
      return () => drawPlan(chance)
    },
  })
  const over = new AbortController()
  const settled = settleOn(ledger, over.signal)
  const samples = await sampleOn(stage, { start, loadMs, ledger })
  await asked
  stage.say('the last reader has gone')
  over.abort()
  await settled
  await untilEnded(stage, ledger)
  const quiet = performance.now()
  await pause(QUIET_MS)
  let after = await sampleOf(stage, performance.now() - start)
  while (leftOpen(before, after).length > 0 && performance.now() - quiet < QUIET_MS + QUIETER_MS) {
    await pause(500)
    after = await sampleOf(stage, performance.now() - start)
  }
  const { requests } = await stage.upstream.ask<{ requests: number }>('asked')
  return { before, samples, after, quietMs: performance.now() - quiet, ledger, modelCalls: requests }
}

/** Each lane is one reader, who asks again as soon as an answer is over; what it does is the seed's, and when is the machine's. */
async function askAll(stage: Stage, ledger: Ledger, { streams, untilMs, name, plansOf }: Lanes): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  const walk = async (lane: number): Promise<void> => {
    const next = plansOf(lane)
    await pause(lane * RAMP_MS)
    let [thread, turns] = [0, 0]
    for (let turn = 0; turn === 0 || performance.now() < untilMs; turn += 1) {
      const history = await ask({ ...stage.asking, agent }, { plan: next(), thread: `${name}-${lane}-${thread}`, messageId: `q-${name}-${lane}-${turn}` })
      ledger.take(history)
      turns += 1
      // What goes on without its reader is in the way of the next question; so is what a stop has not ended yet.
      if (turns < TURNS && history.whole) continue
      thread += 1
      turns = 0
    }
  }
  await Promise.all(Array.from({ length: streams }, (_, lane) => walk(lane)))
  agent.destroy()
}

async function settleOn(ledger: Ledger, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    await ledger.settle()
    await pause(1_000)
  }
}

async function sampleOn(stage: Stage, { start, loadMs, ledger }: { start: number; loadMs: number; ledger: Ledger }): Promise<readonly Sample[]> {
  const samples: Sample[] = []
  const every = Math.min(SAMPLE_MS, loadMs / SAMPLES)
  await stage.server.ask<Vitals>('vitals') // the delays of the quiet before are not the load's
  for (let due = every; due <= loadMs; due += every) {
    await pause(Math.max(0, start + due - performance.now()))
    const sample = await sampleOf(stage, performance.now() - start)
    samples.push(sample)
    if (samples.length % 6 === 0) stage.say(`heap ${(sample.heap / 1024 / 1024).toFixed(1)} MB, ${sample.clients} connections, ${ledger.tally.answers} answers, ${ledger.faults.length} faults`)
  }
  return samples
}

async function sampleOf({ server, upstream, stored }: Stage, atMs: number): Promise<Sample> {
  const vitals = await server.ask<Vitals>('vitals')
  return { ...vitals, atMs, postgres: await stored.load(), modelCalls: await upstream.ask<number>('open') }
}

/** Also what nobody reads any more. */
async function untilEnded({ stored }: Stage, ledger: Ledger): Promise<void> {
  const until = performance.now() + LAST_RUNS_MS
  while ((await ledger.settle()) + (await stored.load()).active > 0 && performance.now() < until) await pause(500)
}

async function main(minutes: number, streams: number, seed: number): Promise<void> {
  const pinning = pin()
  const postgres = await startPostgres()
  if (!postgres) throw new Error('Ambit is measured on PostgreSQL only.')
  const redis = values.redis ? await startMeasuredRedis() : null
  if (values.redis && !redis) throw new Error('There is no Redis to keep the journal in.')
  const tenant = await plantTenant(postgres.url)
  const upstream = await startChild<string>('upstream.ts', {})
  const given = { upstream: upstream.ready, store: tenant.store, watched: true, ...(redis && { redis: redis.url }) }
  const server = await startChild<string>('servers/ambit.ts', given, pinning.server)
  const stored = openStored(tenant.superuser)
  const loadMs = minutes * MINUTE_MS
  try {
    const stage: Stage = {
      server, upstream, stored,
      asking: { url: server.ready + tenant.scope, key: tenant.key },
      say: (line) => void process.stderr.write(`  ${(performance.now() / 1000).toFixed(0).padStart(4)} s  ${line}\n`),
    }
    const soaked = await soak(stage, { loadMs, streams, seed })
    const notes = [pinning.note, `PostgreSQL: ${tenant.durability}`, ...(redis ? [redis.note] : []), `seed ${seed}`]
    process.stdout.write(`\nNode ${process.version}; ${notes.join('; ')}.\n`)
    process.exitCode = report(soaked, loadMs) ? 0 : 1
  } finally {
    await server.end()
    await upstream.end()
    await stored.close()
    await tenant.drop()
    await redis?.stop()
    await postgres.stop()
  }
}

/** Prints the table, and what does not hold. True where everything does. */
function report({ before, samples, after, quietMs, ledger, modelCalls }: Soaked, loadMs: number): boolean {
  ledger.close()
  const [fromMs, thirdMs] = [Math.min(MINUTE_MS, loadMs / 3), loadMs / 3]
  const [early, late] = [samples.find(({ atMs }) => atMs >= fromMs) ?? after, samples.at(-1) ?? after]
  const growth = heapGrowth(samples, fromMs)
  const slopes = { heap: slope(samples, thirdMs, ({ heap }) => heap), rss: slope(samples, thirdMs, ({ rss }) => rss) }
  const heads = { before: 'before', early: `after ${(fromMs / 1000).toFixed(0)} s`, late: `after ${(loadMs / 1000).toFixed(0)} s`, after: `${(quietMs / 1000).toFixed(0)} s after the last answer` }
  process.stdout.write(`${counts(ledger.tally)}\n\n${tableOf({ before, early, late, after }, heads)}\n\n`)
  process.stdout.write(
    `Slope over the last two thirds: heap ${slopes.heap.toFixed(1)} MB an hour, RSS ${slopes.rss.toFixed(1)} MB an hour. ` +
      `Heap ${heads.early} ${growth.early.toFixed(1)} MB, at the end ${growth.late.toFixed(1)} MB (medians of three). Delay of the event loop under load: ${delays(samples)}.\n`,
  )
  if (after.errors.count > 0) process.stdout.write(`\n${after.errors.count} errors were logged, of which these are the first:\n${after.errors.first.join('\n')}\n`)
  const faults = [
    ...ledger.faults,
    ...leftOpen(before, after).map((what) => `left open: ${what}`),
    ...(growth.late > growth.early * HEAP_GROWTH ? [`the heap has grown from ${growth.early.toFixed(1)} to ${growth.late.toFixed(1)} MB`] : []),
    ...(modelCalls > ledger.tally.claims ? [`the model was called ${modelCalls} times for ${ledger.tally.answers} answers that were claimed ${ledger.tally.claims} times`] : []),
  ]
  process.stdout.write(faults.length === 0 ? '\nNothing was lost, and nothing left open.\n' : `\n${faults.length} faults:\n${faults.slice(0, SHOWN).join('\n')}\n`)
  return faults.length === 0
}

function counts({ answers, stopped, unconfirmed, returns, reloads, resets, left, events }: Tally): string {
  return `${answers} answers acknowledged and ended, ${stopped} of them stopped (${unconfirmed} stops confirmed late); ${events} events read; ${returns} connections taken up again, ${reloads} of them from nothing; ${left} readers who never came back; ${resets} resets of a step.`
}

if (values.help) process.stdout.write(USAGE)
else if (MINUTES !== undefined && STREAMS !== undefined && SEED !== undefined && MINUTES > 0 && STREAMS >= 1 && SEED >= 0) await main(MINUTES, STREAMS, SEED)
else throw new Error(`These are no numbers of minutes, streams and a seed.\n\n${USAGE}`)
