import type { CatalogueCheck } from './check.ts'
import { WALLS } from './rights.ts'

const ORGANISATION = `org_id = (select nullif(current_setting('ambit.org_id', true), ''))`
const PROJECTS = `project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))`

/** The statements that put the wall of the organisation on `name` (again). In SQL, over a table's `name` and the role `scoped`. */
export const RAISE_ORGANISATION = `
  format($sql$drop policy if exists organisation on %1$s;
create policy organisation on %1$s as restrictive to %2$I using (${ORGANISATION});$sql$, name, scoped.rolname)`

/** What must go stands before what must come: the statements are run in this order. */
export const POLICY_CHECKS = [
  {
    code: 'policy_open',
    group: 'policies',
    proves: 'what holds for every row is said only to lookup, sweeper and operator, and only where they need it',
    listed: true,
    find: `
      select format('The policy %s on %s opens every row to %s.', p.polname, p.name, role.rolname) as says, p.remove as mend
      from input, policy p join role on role.oid = any (p.polroles)
      where p.polpermissive and p.constant and (role.handle = 'scoped' or not exists (
        select from unnest(rights) one (granted) where starts_with(one.granted, format('%s %s ', role.handle, p.relname))))`,
  },
  {
    code: 'policy_wide',
    group: 'policies',
    proves: 'no policy of the scoped role forgets the organisation or the projects',
    find: `
      select format('The policy %s on %s does not ask for %s: policies add up, so it opens rows outside the scope.', p.polname, p.name,
                    case when p.by_org then 'the projects' else 'the organisation' end) as says, p.remove as mend
      from policy p join scoped on scoped.oid = any (p.polroles) join tenant t on t.oid = p.polrelid
      where p.polpermissive and not p.constant and not (p.by_org and (p.by_project or not p.project_id))`,
  },
  {
    code: 'policy_to_others',
    group: 'policies',
    proves: 'no policy is for PUBLIC, or for a role that is not one of the four',
    find: `
      select format('The policy %s on %s is for %s, and so for more than the four roles.', p.polname, p.name,
                    (select string_agg(case other when 0 then 'PUBLIC' else other::regrole::text end, ', ') from unnest(p.polroles) other
                     where other not in (select oid from role))) as says, p.remove as mend
      from policy p where exists (select from unnest(p.polroles) other where other not in (select oid from role))`,
  },
  {
    code: 'policy_missing',
    group: 'policies',
    proves: 'every table of a tenant has the policy of its scope',
    find: `
      select format('%s has no policy that shows the rows of a scope to %s.', t.name, scoped.rolname) as says,
             format($sql$drop policy if exists scope on %1$s;%4$screate policy scope on %1$s to %2$I using (${ORGANISATION}%3$s);$sql$, t.name, scoped.rolname,
                    case when t.project_id then $sql$ and ${PROJECTS}$sql$ else '' end, chr(10)) as mend
      from tenant t, scoped
      where not exists (
        select from policy p where p.polrelid = t.oid and p.polpermissive and not p.constant and scoped.oid = any (p.polroles)
          and p.by_org and (p.by_project or not p.project_id))`,
  },
  {
    code: 'policy_absent',
    group: 'policies',
    proves: 'the policies that guard people and threads within an organisation are there, and restrict',
    listed: true,
    find: `
      select format('%s has no restrictive policy %s for %s: within an organisation it shows or takes what it must not. Make it again as sql/ has it.',
                    t.name, wall.policy, scoped.rolname) as says,
             null as mend
      from scoped
      cross join unnest('{${WALLS.join(',')}}'::text[]) listed (text)
      cross join lateral (select split_part(text, ' ', 1) as relname, split_part(text, ' ', 2) as policy) wall
      join stored t on t.relname = wall.relname
      where not exists (
        select from policy p where p.polrelid = t.oid and p.polname = wall.policy and not p.polpermissive and scoped.oid = any (p.polroles))`,
  },
  {
    code: 'organisation_policy_missing',
    group: 'policies',
    proves: 'every table of a tenant has the restrictive policy of its organisation, which no other policy can open',
    find: `
      select format('%s has no restrictive policy of the organisation: one careless policy more would open it.', name) as says, ${RAISE_ORGANISATION} as mend
      from tenant, scoped
      where not exists (
        select from policy p where p.polrelid = tenant.oid and not p.polpermissive and p.polcmd = '*' and p.by_org and scoped.oid = any (p.polroles))`,
  },
] as const satisfies readonly CatalogueCheck[]
