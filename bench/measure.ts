import { startChild } from './child.ts'
import type { Child } from './child.ts'
import { CONTENDERS } from './contenders.ts'
import type { Contender, Name } from './contenders.ts'
import type { Job, Outcome } from './load.ts'
import type { Pinning } from './pin.ts'
import { postgresCpu } from './postgres-cpu.ts'
import type { MeasuredRedis } from './redis.ts'
import type { Summary } from './profile.ts'
import type { Load, Measured, Scenario } from './scenarios.ts'
import type { Tenant } from './tenant.ts'

/** What stands still while the servers come and go. */
export interface Stage {
  readonly upstream: Child<string>
  readonly load: Child
  readonly tenant: Tenant
  /** Null where nobody asked for it. */
  readonly redis: MeasuredRedis | null
  readonly pinning: Pinning
  readonly say: (line: string) => void
}

export interface Measurements {
  readonly scenario: Scenario
  readonly runs: Readonly<Partial<Record<Name, readonly Measured[]>>>
  readonly profiles: Readonly<Partial<Record<Name, Profile>>>
  /** Why a contender has no figures here, or fewer. */
  readonly failures: Readonly<Partial<Record<Name, string>>>
}

export interface Profile extends Summary {
  readonly tokens: number
  readonly requests: number
}

/** A contender's process, and the node that drives the runs where that is another one. */
interface Served {
  readonly server: Child<string>
  readonly owner: Child<string> | null
}

interface Options {
  readonly repetitions: number
  /** Whose work is looked at once more, under the profiler. */
  readonly profiled: readonly string[]
}

/**
 * Each contender in a new process, warmed up; then in turn (A B C D A B C D …), so that what the machine does besides
 * falls on all of them. One whose answers are not whole is out: a fast wrong answer is no figure.
 */
export async function measure(stage: Stage, scenario: Scenario, { repetitions, profiled }: Options): Promise<Measurements> {
  const servers = new Map<Name, Served>()
  const runs: Partial<Record<Name, Measured[]>> = {}
  const profiles: Partial<Record<Name, Profile>> = {}
  const failures: Partial<Record<Name, string>> = {}

  const serverOf = async (contender: Contender): Promise<Served> => {
    const running = servers.get(contender.name)
    if (running && !scenario.held) return running
    if (running) await end(running)
    const served = await serve(stage, contender)
    servers.set(contender.name, served)
    for (const load of scenario.warmUp) await answerAll(stage, jobOf(stage, contender, served, load))
    return served
  }

  const each = async (what: string, names: readonly Name[], work: (contender: Contender, served: Served) => Promise<void>): Promise<void> => {
    for (const name of names.filter((one) => failures[one] === undefined)) {
      stage.say(`${scenario.name} ${name}: ${what}`)
      try {
        await work(CONTENDERS[name], await serverOf(CONTENDERS[name]))
      } catch (error) {
        failures[name] = error instanceof Error ? error.message : String(error)
        stage.say(`${scenario.name} ${name} failed: ${failures[name]}`)
      }
    }
  }

  try {
    if (!scenario.held) await each('warming up', scenario.contenders, async () => {})
    for (let round = 1; round <= repetitions; round += 1) {
      await each(`${round} of ${repetitions}`, scenario.contenders, async (contender, served) => {
        const { server } = served
        const job = jobOf(stage, contender, served, scenario.load)
        const measured = scenario.held ? await measureHeld(stage, { server, job, ambit: contender.ambit }) : await measureLoad(stage, server, job)
        runs[contender.name] = [...(runs[contender.name] ?? []), measured]
      })
    }
    const looked = scenario.held ? [] : scenario.contenders.filter((name) => profiled.includes(name))
    await each('under the profiler', looked, async (contender, served) => {
      profiles[contender.name] = await profile(stage, served.server, jobOf(stage, contender, served, scenario.load))
    })
  } finally {
    for (const served of servers.values()) await end(served)
  }
  return { scenario, runs, profiles, failures }
}

/** Only what is measured has a processor to itself. */
async function serve({ upstream, tenant, redis, pinning }: Stage, { file, options, redis: shared = false, follows = false }: Contender): Promise<Served> {
  const given = { ...options, upstream: upstream.ready, store: tenant.store, ...(shared && { redis: redis?.url }) }
  const owner = follows ? await startChild<string>(file, given) : null
  return { owner, server: await startChild<string>(file, given, pinning.server) }
}

async function end({ server, owner }: Served): Promise<void> {
  await server.end()
  await owner?.end()
}

function jobOf({ tenant }: Stage, { name, ambit, dialect, tells }: Contender, { server, owner }: Served, load: Load): Job {
  const { history = 0, ...rest } = load
  const asked = owner ?? server
  return {
    ...rest,
    url: ambit ? asked.ready + tenant.path : asked.ready,
    runs: owner && `${server.ready}${tenant.scope}/runs`,
    headers: ambit ? { authorization: `Bearer ${tenant.key}` } : {},
    dialect,
    history: ambit ? 0 : history,
    told: Math.min(history, tells),
    threads: history > 0 ? (tenant.longThreads.get(name) ?? []) : [],
  }
}

async function measureLoad(stage: Stage, server: Child, job: Job): Promise<Measured> {
  await server.ask('settle')
  const before = await cpuOf(stage, server)
  const outcome = await answerAll(stage, job)
  const after = await cpuOf(stage, server)
  return {
    outcome,
    cpuMicros: after.own - before.own,
    postgresMicros: after.postgres - before.postgres,
    redisMicros: after.redis - before.redis,
    memory: { rss: 0, heap: 0 },
  }
}

/** How many open answers go on in a second. Each of Ambit's ends with a commit: all in one moment is another measurement. */
const RELEASED = { ambit: 50, other: 1_000 }

async function measureHeld({ upstream, load }: Stage, { server, job, ambit }: { server: Child; job: Job; ambit: boolean }): Promise<Measured> {
  const before = await server.ask<Measured['memory']>('memory')
  await load.ask('open', job)
  const open = await server.ask<Measured['memory']>('memory')
  await upstream.ask('release', ambit ? RELEASED.ambit : RELEASED.other)
  const outcome = whole(await load.ask<Outcome>('opened'))
  return { outcome, cpuMicros: 0, postgresMicros: 0, redisMicros: 0, memory: { rss: open.rss - before.rss, heap: open.heap - before.heap } }
}

async function profile(stage: Stage, server: Child, job: Job): Promise<Profile> {
  await server.ask('settle')
  await server.ask('profile')
  const { tokens, requests } = await answerAll(stage, job)
  return { ...(await server.ask<Summary>('profiled')), tokens, requests }
}

/** NaN where it cannot be read: the table shows nothing then. */
async function cpuOf({ tenant, redis }: Stage, server: Child): Promise<{ own: number; postgres: number; redis: number }> {
  return {
    own: await server.ask<number>('cpu'),
    postgres: postgresCpu(tenant.postgresPid) ?? Number.NaN,
    redis: (await redis?.cpuMicros()) ?? Number.NaN,
  }
}

async function answerAll({ upstream, load }: Stage, job: Job): Promise<Outcome> {
  await upstream.ask('asked')
  const outcome = whole(await load.ask<Outcome>('run', job))
  const { requests, messages } = await upstream.ask<{ requests: number; messages: number }>('asked')
  if (requests !== job.requests) throw new Error(`The upstream was asked ${requests} times for ${job.requests} answers.`)
  if (messages < requests * job.told) throw new Error(`The upstream was told ${messages} messages in ${requests} requests, and not ${job.told} in each.`)
  return outcome
}

function whole(outcome: Outcome): Outcome {
  const { errors, requests } = outcome
  if (errors.length > 0) throw new Error(`${errors.length} of ${requests} answers failed: ${[...new Set(errors)].slice(0, 5).join('; ')}`)
  return outcome
}
