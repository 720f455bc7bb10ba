import { DEFAULT_ROLE_PREFIX, demandRolePrefix } from './role-prefix.ts'

const ROLE = new RegExp(`\\b${DEFAULT_ROLE_PREFIX}(lookup|scoped|sweeper|operator)\\b`, 'g')

/** Held by whoever migrates this database: any constant that nobody else is likely to lock. */
export const MIGRATION_LOCK = 4_061_949_301

/** SQL written for the default roles, for the roles of this installation. */
export function withRolePrefix(sql: string, prefix: string): string {
  demandRolePrefix(prefix)
  return sql.replace(ROLE, (_, name: string) => prefix + name)
}

/**
 * Makes the four roles. They inherit nothing and are not inherited: PostgreSQL 16 keeps that on the grant, 15 on the
 * member. The owner may become the operator (for the command line) and nothing else.
 */
export const ROLES_SCRIPT = `
do $$
declare
  role_name text;
begin
  foreach role_name in array array['ambit_lookup', 'ambit_scoped', 'ambit_sweeper', 'ambit_operator'] loop
    begin
      execute format('create role %I nologin noinherit', role_name);
    exception when duplicate_object or unique_violation then null; -- another database of this server made it
    end;
  end loop;
  if not (select rolsuper from pg_roles where rolname = current_user) then
    if current_setting('server_version_num')::int >= 160000 then
      execute format('grant ambit_operator to %I with inherit false, set true', current_user);
    else
      execute format('grant ambit_operator to %I', current_user);
    end if;
  end if;
end $$;
`

/**
 * Makes the app's login (if it is not there), lets it connect to this database and become lookup, scoped and sweeper, and inherit none of them.
 * Without a verifier it has no password, and cannot log in until somebody gives it one.
 */
export function loginScript(login: string, verifier: string | null, rolePrefix: string = DEFAULT_ROLE_PREFIX): string {
  demandRolePrefix(rolePrefix)
  const name = literal(login)
  const password = verifier === null ? 'null' : literal(verifier)
  const roles = ['lookup', 'scoped', 'sweeper'].map((role) => rolePrefix + role).join(', ')
  return `
do $$
begin
  perform pg_advisory_xact_lock(${MIGRATION_LOCK});
  if not exists (select from pg_roles where rolname = ${name}) then
    begin
      execute format('create role %I login noinherit nosuperuser nocreatedb nocreaterole nobypassrls password %L', ${name}, ${password});
    exception when duplicate_object or unique_violation then null; -- another database of this server made it, at this moment
    end;
  end if;
  execute format('grant connect on database %I to %I', current_database(), ${name});
  if current_setting('server_version_num')::int >= 160000 then
    execute format('grant ${roles} to %I with inherit false, set true', ${name});
  else
    execute format('alter role %I noinherit', ${name});
    execute format('grant ${roles} to %I', ${name});
  end if;
end $$;
`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
