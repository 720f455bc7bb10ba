import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DEFAULT_LIMITS } from '../limits/limits.ts'
import type { Command, ExitCode, Given, Surroundings } from './command.ts'
import { STORY, RUNS_SHOWN, UNENDED } from './on-call-work.ts'
import type { Unended } from './on-call-work.ts'
import { performWork } from './reach-operator.ts'
import { badSetting } from './settings.ts'
import { tellRuns } from './tell-runs.ts'
import { tellStory } from './tell-story.ts'
import { dim } from './terminal.ts'
import { troublesOf } from './trouble.ts'

const WALL = { value: 'minutes', about: 'how long a run may take here, where createAmbit({ limits: { runMs } }) is not 15 minutes' } as const
const JSON_OPTION = { about: 'write it as JSON' } as const

export const runsCommand: Command = {
  name: 'runs',
  about: 'List the runs that have not ended, of all organisations, the oldest first.',
  options: {
    stuck: { about: 'only those that need somebody; ends with 3 where there is one' },
    org: { value: 'slug', about: 'of this organisation' },
    wall: WALL,
    json: JSON_OPTION,
  },
  async run(given, surroundings) {
    const wallMs = wallOf(given)
    demandDatabase(surroundings)
    const looked = await performWork(UNENDED, { org: given.text('org') ?? null }, surroundings)
    return looked.ok ? printRuns(looked, given, { ...surroundings, wallMs }) : sayNo(looked.detail, surroundings)
  },
}

export const whyCommand: Command = {
  name: 'why',
  about: 'Tell the story of one run: who drove it, what it called, how it stands, what to do. Never what was said.',
  argument: 'run',
  options: { wall: WALL, json: JSON_OPTION },
  async run(given, surroundings) {
    const wallMs = wallOf(given)
    demandDatabase(surroundings)
    const told = await performWork(STORY, { run: given.argument }, surroundings)
    if (!told.ok) return sayNo(told.detail, surroundings)
    surroundings.terminal.out(given.has('json') ? `${JSON.stringify({ ...told, troubles: troublesOf(told.run, wallMs) }, null, 2)}\n` : tellStory(told, wallMs))
    return 0
  },
}

/** A door that drives elsewhere is no node. */
const LIVING: Readonly<Record<number, string>> = { 0: 'Nothing drives answers', 1: 'One node lives' }

function printRuns({ runs: all, nodes }: Unended, given: Given, { terminal, wallMs }: Pick<Surroundings, 'terminal'> & { readonly wallMs: number }): ExitCode {
  const stuck = given.has('stuck')
  const runs = stuck ? all.filter((run) => troublesOf(run, wallMs).length > 0) : all
  if (given.has('json')) terminal.out(`${JSON.stringify({ nodes, runs: runs.map((run) => ({ ...run, troubles: troublesOf(run, wallMs) })) }, null, 2)}\n`)
  else if (runs.length === 0) terminal.out(stuck ? 'Nothing is stuck.\n' : 'Nothing runs.\n')
  else terminal.out(tellRuns(runs, wallMs))
  const more = all.length === RUNS_SHOWN ? ` These are the oldest ${RUNS_SHOWN}: there are more.` : ''
  terminal.err(dim(terminal, `${LIVING[nodes] ?? `${nodes} nodes live`} on this database.${more}\n`))
  return stuck && runs.length > 0 ? 3 : 0
}

function sayNo(detail: string, { terminal }: Surroundings): ExitCode {
  terminal.err(`${detail}\n`)
  return 1
}

function wallOf(given: Given): number {
  const text = given.text('wall')
  if (text === undefined) return DEFAULT_LIMITS.runMs
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text) * 60_000
  throw badSetting(`--wall is "${text}": it must be a whole number of minutes.`)
}

/** Who only looks makes no database. */
function demandDatabase({ settings }: Surroundings): void {
  const { ownerUrl, databaseUrl, directory } = settings()
  if (ownerUrl !== null || databaseUrl !== null || existsSync(join(directory, 'database'))) return
  throw badSetting(`There is no database in ${directory}/ yet: "ambit start" makes one. For PostgreSQL, set AMBIT_DATABASE_OWNER_URL.`)
}
