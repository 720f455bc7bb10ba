import { startChild } from './child.ts'
import type { Child } from './child.ts'
import { CONTENDERS } from './contenders.ts'
import type { Contender, Name } from './contenders.ts'
import type { Job, Outcome } from './load.ts'
import type { Pinning } from './pin.ts'
import { postgresCpu } from './postgres-cpu.ts'
import type { Summary } from './profile.ts'
import type { Load, Measured, Scenario } from './scenarios.ts'
import type { Tenant } from './tenant.ts'

/** What stands still while the servers come and go. */
export interface Stage {
  readonly upstream: Child<string>
  readonly load: Child
  readonly tenant: Tenant
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
  const servers = new Map<Name, Child<string>>()
  const runs: Partial<Record<Name, Measured[]>> = {}
  const profiles: Partial<Record<Name, Profile>> = {}
  const failures: Partial<Record<Name, string>> = {}

  const serverOf = async (contender: Contender): Promise<Child<string>> => {
    const running = servers.get(contender.name)
    if (running && !scenario.held) return running
    await running?.end()
    const server = await startServer(stage, contender)
    servers.set(contender.name, server)
    for (const load of scenario.warmUp) await answerAll(stage, jobOf(stage, contender, server, load))
    return server
  }

  const each = async (what: string, names: readonly Name[], work: (contender: Contender, server: Child<string>) => Promise<void>): Promise<void> => {
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
      await each(`${round} of ${repetitions}`, scenario.contenders, async (contender, server) => {
        const job = jobOf(stage, contender, server, scenario.load)
        const measured = scenario.held ? await measureHeld(stage, { server, job, ambit: contender.ambit }) : await measureLoad(stage, server, job)
        runs[contender.name] = [...(runs[contender.name] ?? []), measured]
      })
    }
    const looked = scenario.held ? [] : scenario.contenders.filter((name) => profiled.includes(name))
    await each('under the profiler', looked, async (contender, server) => {
      profiles[contender.name] = await profile(stage, server, jobOf(stage, contender, server, scenario.load))
    })
  } finally {
    for (const server of servers.values()) await server.end()
  }
  return { scenario, runs, profiles, failures }
}

function startServer({ upstream, tenant, pinning }: Stage, { file, options }: Contender): Promise<Child<string>> {
  return startChild<string>(file, { ...options, upstream: upstream.ready, store: tenant.store }, pinning.server)
}

function jobOf({ tenant }: Stage, { ambit, dialect, tells }: Contender, server: Child<string>, load: Load): Job {
  const { history = 0, ...rest } = load
  return {
    ...rest,
    url: ambit ? server.ready + tenant.path : server.ready,
    headers: ambit ? { authorization: `Bearer ${tenant.key}` } : {},
    dialect,
    history: ambit ? 0 : history,
    told: Math.min(history, tells),
    threads: ambit && history > 0 ? tenant.longThreads : [],
  }
}

async function measureLoad(stage: Stage, server: Child, job: Job): Promise<Measured> {
  await server.ask('settle')
  const [before, postgresBefore] = [await server.ask<number>('cpu'), cpuOfPostgres(stage)]
  const outcome = await answerAll(stage, job)
  const [after, postgresAfter] = [await server.ask<number>('cpu'), cpuOfPostgres(stage)]
  return { outcome, cpuMicros: after - before, postgresMicros: postgresAfter - postgresBefore, memory: { rss: 0, heap: 0 } }
}

/** How many open answers go on in a second. Each of Ambit's ends with a commit: all in one moment is another measurement. */
const RELEASED = { ambit: 50, other: 1_000 }

async function measureHeld({ upstream, load }: Stage, { server, job, ambit }: { server: Child; job: Job; ambit: boolean }): Promise<Measured> {
  const before = await server.ask<Measured['memory']>('memory')
  await load.ask('open', job)
  const open = await server.ask<Measured['memory']>('memory')
  await upstream.ask('release', ambit ? RELEASED.ambit : RELEASED.other)
  const outcome = whole(await load.ask<Outcome>('opened'))
  return { outcome, cpuMicros: 0, postgresMicros: 0, memory: { rss: open.rss - before.rss, heap: open.heap - before.heap } }
}

async function profile(stage: Stage, server: Child, job: Job): Promise<Profile> {
  await server.ask('settle')
  await server.ask('profile')
  const { tokens, requests } = await answerAll(stage, job)
  return { ...(await server.ask<Summary>('profiled')), tokens, requests }
}

/** NaN where it cannot be read: the table shows nothing then. */
function cpuOfPostgres({ tenant }: Stage): number {
  return postgresCpu(tenant.postgresPid) ?? Number.NaN
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
