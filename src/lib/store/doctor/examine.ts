import type { Database } from '../database.ts'
import { isUnavailable } from '../unavailable.ts'
import { flyCanary, sqlStateOf } from './canary.ts'
import type { Canary, CanaryCode, Targets } from './canary.ts'
import type { Check } from './check.ts'
import { CATALOGUE_CHECKS, CHECKS, isListed } from './checks.ts'
import type { Fault, FaultCode } from './checks.ts'
import { MIGRATE, compareMigrations } from './compare-migrations.ts'
import { readCatalogue } from './read-catalogue.ts'
import { OLDEST_SERVER } from './server-checks.ts'

/** What was asked, and what came of it. A check that could not be made says why, and is neither. */
export interface CheckResult extends Check<FaultCode> {
  readonly outcome: 'ok' | 'fault' | 'skipped'
  readonly because?: string
}

export interface Report {
  readonly database: string
  readonly login: string
  /** As the server says it: `18.4`. */
  readonly server: string
  readonly results: readonly CheckResult[]
  readonly faults: readonly Fault[]
}

export interface Examination {
  readonly rolePrefix: string
  /** False where the database lives in this process: its one login is a superuser, and nobody else can use it. */
  readonly login: boolean
}

/**
 * Proves on the live database, as the login that came to it, that the walls hold. Changes nothing: what the canary
 * writes is taken back. Everything works through a pooler: nothing outlives its transaction.
 */
export async function examineDatabase(database: Database, { rolePrefix, login }: Examination): Promise<Report> {
  const place = await findPlace(database, rolePrefix)
  const without = (fault: Fault): Report => reportOf(place, [fault], { skip: (check) => (check.code === fault.code ? null : 'the fault above comes first') })
  if (place.major < OLDEST_SERVER) {
    return without({ code: 'server_too_old', says: `The server is PostgreSQL ${place.server}: Ambit needs ${OLDEST_SERVER} or newer.`, mend: null })
  }
  if (!place.schema) return without({ code: 'not_migrated', says: `This database has no Ambit schema. ${MIGRATE}`, mend: null })
  if (place.otherPrefix !== null) {
    const says = `This database was migrated with the role prefix "${place.otherPrefix}", not "${rolePrefix}": set AMBIT_ROLE_PREFIX=${place.otherPrefix}.`
    return without({ code: 'not_migrated', says, mend: null })
  }

  const checks = CATALOGUE_CHECKS.filter((check) => login || check.group !== 'login')
  const { faults: built, targets } = await readCatalogue(database, rolePrefix, checks)
  const barred = !place.takesRoles
  const schema = barred ? null : await compareMigrations(database, rolePrefix)
  // A newer version's tables and grants are in no list of this one: while both run, only the rules are held.
  const newer = schema?.newer ?? false
  const kept = newer ? built.filter(({ code }) => !checks.some((check) => check.code === code && isListed(check))) : built
  const flown = barred ? null : await fly(database, { rolePrefix, login }, targets)
  const faults = [...(schema?.faults ?? []), ...kept, ...(flown?.found ?? [])]
  return reportOf(place, faults, {
    skip(check) {
      if (check.group === 'login' && !login) return 'an embedded database has one login, and only this process uses it'
      if (barred && (check.group === 'canary' || check.code === 'not_migrated')) return 'it needs the roles'
      if (newer && isListed(check)) return 'the schema is newer than this version'
      if (check.code === 'host_view_rows' && flown && flown.unproved.length > 0) return `${flown.unproved.join(', ')} took longer than a second`
      return flown?.ended && check.group === 'canary' ? 'the trial ended before it' : null
    },
  })
}

interface Place {
  readonly database: string
  readonly login: string
  readonly server: string
  readonly major: number
  readonly schema: boolean
  /** The login may take the three roles that serve: without them nothing can be tried. */
  readonly takesRoles: boolean
  /** The prefix of the roles for which the schema was made, where it is not the one that was given. */
  readonly otherPrefix: string | null
}

async function findPlace(database: Database, rolePrefix: string): Promise<Place> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<Place>(
      `select current_database()::text as database, session_user::text as login, split_part(current_setting('server_version'), ' ', 1) as server,
              major, to_regnamespace('ambit') is not null as schema,
              (select count(*) from pg_roles where rolname = any ($1) and pg_has_role(session_user, oid, case when major >= 16 then 'set' else 'member' end)) = 3
                as "takesRoles",
              (select left(r.rolname, -length('lookup')) from pg_policy p join pg_class c on c.oid = p.polrelid join pg_roles r on r.oid = p.polroles[1]
               where c.relnamespace = to_regnamespace('ambit') and c.relname = 'organisations' and p.polname = 'lookup' and r.rolname <> $2 || 'lookup')
                as "otherPrefix"
       from (select current_setting('server_version_num')::int / 10000 as major) server`,
      [['lookup', 'scoped', 'sweeper'].map((name) => rolePrefix + name), rolePrefix],
    ),
  )
  const [place] = rows
  if (!place) throw new Error('A query without a table gave no row.')
  return place
}

interface Flight extends Canary {
  /** Before all of it was tried. */
  readonly ended: boolean
}

/** A schema on which the trial cannot even be made is a fault like others, and is told with them. */
async function fly(database: Database, { rolePrefix, login }: Examination, targets: Targets): Promise<Flight> {
  try {
    const handles = login ? (['lookup', 'sweeper'] as const) : (['lookup', 'sweeper', 'operator'] as const)
    const flown = await flyCanary(database, { rolePrefix, handles }, targets)
    return { ...flown, ended: flown.found.some(({ code }) => code === 'canary_own') }
  } catch (error) {
    const state = sqlStateOf(error)
    if (state === null || isUnavailable(error)) throw error
    const says = `Two tenants could not be tried: ${(error as Error).message} (SQLSTATE ${state}). Mend what else is found, then try again.`
    return { found: [{ code: 'canary_own' satisfies CanaryCode, says, mend: null }], unproved: [], ended: true }
  }
}

function reportOf(place: Place, faults: readonly Fault[], { skip }: { skip(check: Check): string | null }): Report {
  const { database, login, server } = place
  const results = CHECKS.map((check): CheckResult => {
    const { code, group, proves } = check
    if (faults.some((fault) => fault.code === code)) return { code, group, proves, outcome: 'fault' }
    const because = skip(check)
    return because === null ? { code, group, proves, outcome: 'ok' } : { code, group, proves, outcome: 'skipped', because }
  })
  return { database, login, server, results, faults }
}
