-- What a model was told in a run, and settings that an admin edits within a scope. The rules of 0001 hold.

-- The manifest of a run: each slice of what the model was told, its source, size and fate, as JSON. It names what a run
-- has read, so it stands behind the run's read set. text and not jsonb, like everything that is only given back.

create table ambit.manifests (
  org_id     text not null,
  project_id text not null,
  run_id     text not null,
  content    text not null,
  primary key (org_id, project_id, run_id),
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

alter table ambit.manifests enable row level security;
alter table ambit.manifests force  row level security;

do $$
declare
  tenant_table text;
  organisation constant text :=
    $sql$org_id = (select nullif(current_setting('ambit.org_id', true), ''))$sql$;
  projects constant text :=
    $sql$project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))$sql$;
begin
  foreach tenant_table in array array['manifests', 'settings'] loop
    execute format('create policy scope on ambit.%I to ambit_scoped using (%s and %s)', tenant_table, organisation, projects);
    execute format('create policy organisation on ambit.%I as restrictive to ambit_scoped using (%s)', tenant_table, organisation);
  end loop;
end $$;

create policy read_set on ambit.manifests as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.read_sets s
    where s.org_id = manifests.org_id and s.project_id = manifests.project_id and s.run_id = manifests.run_id offset 0));
create policy own_record_insert on ambit.manifests as restrictive for insert to ambit_scoped
  with check (exists (
    select 1 from ambit.runs r
    where r.org_id = manifests.org_id and r.project_id = manifests.project_id and r.id = manifests.run_id
      and r.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0));

grant select, insert on ambit.manifests to ambit_scoped;

-- Settings are written only in a transaction that was opened to administer (ambit.administers), which is done for an admin's
-- own request and never for a run: what a tool or a model does cannot change them, whoever asked.

create policy administered_insert on ambit.settings as restrictive for insert to ambit_scoped
  with check ((select nullif(current_setting('ambit.administers', true), '')) = 'true');
create policy administered_update on ambit.settings as restrictive for update to ambit_scoped
  using ((select nullif(current_setting('ambit.administers', true), '')) = 'true');

grant select, insert, update (ai_enabled, instructions) on ambit.settings to ambit_scoped;
