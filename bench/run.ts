import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/postgres-server.ts'
import { startChild } from './child.ts'
import { CONTENDERS, LONG } from './contenders.ts'
import { measure } from './measure.ts'
import type { Measurements, Stage } from './measure.ts'
import { pin } from './pin.ts'
import { startMeasuredRedis } from './redis.ts'
import { profileText, rowsOf, tableOf } from './report.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'
import { plantTenant } from './tenant.ts'

const USAGE = `npm run bench -- [--quick] [--only burst,paced,request,first,memory,long,history,follow] [--redis] [--repetitions 3] [--profile D] [--json file]

--redis measures Ambit with its journal in Redis, too, and a node that follows another one's runs (follow).
AMBIT_TEST_POSTGRES_URL names a PostgreSQL of your own (a superuser's URL); without it one is started, with fsync off.
`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    repetitions: { type: 'string' },
    redis: { type: 'boolean', default: false },
    profile: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

const QUICK = 0.2

async function main(): Promise<void> {
  const scale = values.quick ? QUICK : 1
  const named = chosen(scenarios(scale, values.redis)).map(({ name }) => name)
  const repetitions = Number(values.repetitions ?? (values.quick ? 1 : 3))
  if (!(repetitions >= 1)) throw new Error(`That is no number of repetitions.\n\n${USAGE}`)
  const pinning = pin()
  const server = await startPostgres()
  if (!server) throw new Error('Ambit is measured on PostgreSQL only.')
  const redis = values.redis ? await startMeasuredRedis() : null
  const wanted = scenarios(scale, redis !== null).filter(({ name }) => named.includes(name))
  const talkers = wanted.flatMap(({ load, contenders }) => (load.history ? contenders : [])).filter((name) => CONTENDERS[name].ambit)
  const tenant = await plantTenant(server.url, { longMessages: LONG, names: talkers })
  const [upstream, load] = [await startChild<string>('upstream.ts', {}), await startChild('load.ts', {})]
  const stage: Stage = { upstream, load, tenant, redis, pinning, say: (line) => void process.stderr.write(`  ${(performance.now() / 1000).toFixed(0).padStart(3)} s  ${line}\n`) }
  const all: Measurements[] = []
  try {
    for (const scenario of wanted) all.push(await measure(stage, scenario, { repetitions, profiled: values.profile?.split(',') ?? [] }))
  } finally {
    await Promise.all([upstream.end(), load.end()])
    await tenant.drop()
    await redis?.stop()
    await server.stop()
  }
  const rows = all.flatMap(rowsOf)
  const notes = [
    `Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    pinning.note,
    `PostgreSQL: ${tenant.durability}`,
    ...(redis ? [redis.note] : []),
    `${repetitions} repetitions, the median`,
  ]
  process.stdout.write(`\n${notes.join('; ')}.\n\n${tableOf(rows)}\n`)
  if (values.profile !== undefined) process.stdout.write(`\n${all.map(profileText).filter((text) => text !== '').join('\n\n')}\n`)
  const failures = all.flatMap(({ scenario, failures: ones }) => Object.entries(ones).map(([name, why]) => `${scenario.name} ${name}: ${why}`))
  if (failures.length > 0) process.stdout.write(`\nNot measured:\n${failures.join('\n')}\n`)
  process.exitCode = failures.length > 0 ? 1 : 0
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ notes, rows }, null, 2)}\n`)
}

function chosen(all: readonly Scenario[]): readonly Scenario[] {
  const names = values.only?.split(',')
  const unknown = names?.filter((name) => !all.some((scenario) => scenario.name === name)) ?? []
  if (unknown.length > 0) throw new Error(`There is no ${unknown.join(', ')}.\n\n${USAGE}`)
  return names ? all.filter(({ name }) => names.includes(name)) : all
}

if (values.help) process.stdout.write(USAGE)
else await main()
