import type { ScopedDatabase } from './host-scope.ts'
import { DEFAULT_ROLE_PREFIX } from './role-prefix.ts'
import { StartError } from './start-error.ts'

/** Of Ambit's own: the class that PostgreSQL leaves to its users. */
const UNSAFE = 'AM001'

/** Said by the server, because the port answers how many rows were touched, and none of them. */
const prove = (role: string) => `
do $prove$
declare
  login record;
begin
  select rolname, rolsuper or rolbypassrls as bypasses into login from pg_roles where rolname = session_user;
  if login.bypasses then
    raise exception 'The login "%" of \`database\` is a superuser or bypasses row-level security: one statement of a tool climbs back to it. Give tools a pool of the login that "ambit migrate" made.', login.rolname
      using errcode = '${UNSAFE}';
  end if;
  if not exists (select from pg_roles where rolname = '${role}'
                 and pg_has_role(session_user, oid, case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)) then
    raise exception 'The login "%" of \`database\` may not take the role ${role}: give tools a pool of the login that "ambit migrate" made for this database.', login.rolname
      using errcode = '${UNSAFE}';
  end if;
end $prove$`

/** What a tool's transaction climbs back to with `reset role`. Throws a StartError where that is more than Ambit's own login may. */
export async function proveHostLogin<Tx>(database: ScopedDatabase<Tx>): Promise<void> {
  try {
    await database.transaction((tx) => database.execute(tx, prove(`${database.rolePrefix ?? DEFAULT_ROLE_PREFIX}scoped`), []))
  } catch (error) {
    const found = findUnsafe(error)
    throw found === null ? error : new StartError('unsafe_database', found)
  }
}

/** An ORM may have wrapped it. */
function findUnsafe(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  return 'code' in error && error.code === UNSAFE ? error.message : findUnsafe(error.cause)
}
