import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from '../store/database.ts'
import { GROUPS } from '../store/doctor/check.ts'
import { examineDatabase } from '../store/doctor/examine.ts'
import type { CheckResult, Examination, Report } from '../store/doctor/examine.ts'
import { tellFaults } from '../store/doctor/tell-faults.ts'
import { openUnproved } from '../store/embedded-store.ts'
import { connect } from '../store/open-postgres.ts'
import { DEFAULT_ROLE_PREFIX } from '../store/role-prefix.ts'
import type { Command } from './command.ts'
import { findServer } from './server-file.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'

export const doctor: Command = {
  name: 'doctor',
  about: 'Prove on the live database that the walls between tenants hold, and print the SQL that mends what does not.',
  options: { json: { about: 'write what was proved as JSON' } },
  async run(given, { settings, terminal }) {
    const read = settings()
    const report = read.databaseUrl === null ? await examineEmbedded(read) : await examineServer(read, read.databaseUrl)
    terminal.out(given.has('json') ? `${JSON.stringify(jsonOf(report), null, 2)}\n` : tellReport(report))
    return report.faults.length === 0 ? 0 : 1
  },
}

async function examineServer({ rolePrefix }: Settings, url: string): Promise<Report> {
  return examineAndClose(connect(url, ignore, { connections: 1 }), { rolePrefix, login: true })
}

/** Only one process can open it. */
async function examineEmbedded({ directory }: Settings): Promise<Report> {
  const server = await findServer(directory)
  if (server) {
    throw badSetting(
      `Ambit runs on ${directory}/ (process ${server.pid}), and only that process can open its database: stop it, and ask again.`,
    )
  }
  if (!existsSync(join(directory, 'database'))) {
    throw badSetting(`There is no database in ${directory}/ yet: "ambit start" makes one. For PostgreSQL, set AMBIT_DATABASE_URL.`)
  }
  return examineAndClose(await openUnproved(directory), { rolePrefix: DEFAULT_ROLE_PREFIX, login: false })
}

async function examineAndClose(database: Database, examination: Examination): Promise<Report> {
  try {
    return await examineDatabase(database, examination)
  } finally {
    await database.close()
  }
}

/** What a script reads: each check with the faults that it found. */
function jsonOf({ database, login, server, results, faults }: Report) {
  const checks = results.map((result) => ({
    ...result,
    faults: faults.filter(({ code }) => code === result.code).map(({ says, mend }) => ({ says, mend })),
  }))
  return { ok: faults.length === 0, database, login, server, checks }
}

function tellReport({ database, login, server, results, faults }: Report): string {
  const groups = Object.entries(GROUPS).map(([group, title]) => {
    const asked = results.filter((result) => result.group === group)
    const [reason = ''] = asked.map(({ because }) => because)
    // A group that was not asked for one reason is not told nine times.
    const rows = reason !== '' && asked.every(({ because }) => because === reason) ? [`  ${MARKS.skipped}not asked: ${reason}`] : asked.map(tellResult)
    return `${title}\n${rows.join('\n')}`
  })
  return `The database "${database}", as "${login}", on PostgreSQL ${server}\n\n${groups.join('\n\n')}\n\n${conclusionOf(results, faults)}\n`
}

const MARKS = { ok: 'ok    ', fault: 'FAULT ', skipped: '–     ' } as const

function tellResult({ outcome, proves, code, because }: CheckResult): string {
  return `  ${MARKS[outcome]}${proves}${outcome === 'fault' ? ` (${code})` : ''}${because === undefined ? '' : ` (not asked: ${because})`}`
}

function conclusionOf(results: readonly CheckResult[], faults: Report['faults']): string {
  if (faults.length > 0) return `${faults.length === 1 ? 'One fault' : `${faults.length} faults`}:\n\n${tellFaults(faults)}`
  const skipped = results.filter(({ outcome }) => outcome === 'skipped').length
  return `The walls hold: ${results.length - skipped} checks, and nothing was found.${skipped === 0 ? '' : ` (${skipped} were not asked.)`}`
}

/** A connection that is lost while it is idle; one that is used says so itself. */
function ignore(): void {}
