-- The directory within a scope: an organisation's admins keep its projects, members and keys themselves. The rules of 0001 hold.

-- What somebody is called is each place's own word: the admin of one learns and changes nothing of what another one calls the
-- same id, nor that it knows it. So nothing here points to `people`: a key that fits would tell that a person is known
-- elsewhere. (`people` stays for servers of the version before, which ask it for a name.) `since`: null where it was not kept.

alter table ambit.memberships drop constraint memberships_person_id_fkey;
alter table ambit.api_keys    drop constraint api_keys_person_id_fkey;

alter table ambit.memberships
  add column name  text not null default '',
  add column since timestamptz;
alter table ambit.memberships alter column since set default now();

-- Who made a key: somebody else may have kept a copy. Null where the command line did.
alter table ambit.api_keys add column made_by text;

alter table ambit.memberships no force row level security;
alter table ambit.people      no force row level security;
do $$
declare
  named bigint;
begin
  update ambit.memberships m set name = p.name from ambit.people p where p.id = m.person_id;
  get diagnostics named = row_count;
  if named <> (select count(*) from ambit.memberships) then raise exception 'named % members, and not all', named; end if;
end $$;
alter table ambit.memberships force row level security;
alter table ambit.people      force row level security;

-- A project of the scope is what its id says: it has no project beside it. A key is the organisation's.

create policy scope on ambit.projects to ambit_scoped
  using (org_id = (select nullif(current_setting('ambit.org_id', true), ''))
         and id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb)));
create policy scope on ambit.memberships to ambit_scoped
  using (org_id = (select nullif(current_setting('ambit.org_id', true), ''))
         and project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb)));
create policy scope on ambit.api_keys to ambit_scoped
  using (org_id = (select nullif(current_setting('ambit.org_id', true), '')));

create policy organisation on ambit.projects    as restrictive to ambit_scoped using (org_id = (select nullif(current_setting('ambit.org_id', true), '')));
create policy organisation on ambit.memberships as restrictive to ambit_scoped using (org_id = (select nullif(current_setting('ambit.org_id', true), '')));
create policy organisation on ambit.api_keys    as restrictive to ambit_scoped using (org_id = (select nullif(current_setting('ambit.org_id', true), '')));

-- Like settings, written only in a transaction that was opened for it, and never in a run: to administer (ambit.administers),
-- for an admin's own request; or for somebody's own affairs (ambit.own_affairs), to leave and to keep own keys. A project
-- is made in the organisation, and so is a key for somebody else.

create policy administered_insert on ambit.projects as restrictive for insert to ambit_scoped
  with check ((select nullif(current_setting('ambit.administers', true), '')) = 'true'
    and '*' in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb)));
create policy administered_update on ambit.projects as restrictive for update to ambit_scoped
  using ((select nullif(current_setting('ambit.administers', true), '')) = 'true');

create policy administered_insert on ambit.memberships as restrictive for insert to ambit_scoped
  with check ((select nullif(current_setting('ambit.administers', true), '')) = 'true');
create policy administered_update on ambit.memberships as restrictive for update to ambit_scoped
  using ((select nullif(current_setting('ambit.administers', true), '')) = 'true');
create policy administered_delete on ambit.memberships as restrictive for delete to ambit_scoped
  using ((select nullif(current_setting('ambit.administers', true), '')) = 'true'
    or ((select nullif(current_setting('ambit.own_affairs', true), '')) = 'true'
        and person_id = (select nullif(current_setting('ambit.user_id', true), ''))));

create policy held on ambit.api_keys as restrictive to ambit_scoped
  using (((select nullif(current_setting('ambit.administers', true), '')) = 'true'
          and '*' in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb)))
    or ((select nullif(current_setting('ambit.own_affairs', true), '')) = 'true'
        and person_id = (select nullif(current_setting('ambit.user_id', true), ''))));
create policy own_name on ambit.api_keys as restrictive for insert to ambit_scoped
  with check (made_by = (select nullif(current_setting('ambit.user_id', true), '')));

-- Of a key never the hash, and of none when it was used last but to read it.

grant select, insert (org_id, id, slug, name, about, visibility), update (name, about, visibility, deleted_at) on ambit.projects to ambit_scoped;
grant select, insert (org_id, project_id, person_id, role, name), update (role, name), delete on ambit.memberships to ambit_scoped;
grant select (org_id, id, person_id, prefix, made_by, created_at, expires_at, revoked_at, last_used_at),
      insert (org_id, id, person_id, prefix, hash, made_by, expires_at), update (revoked_at)
  on ambit.api_keys to ambit_scoped;
