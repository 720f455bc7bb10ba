-- Documents that are written over the interface, threads that are deleted, and the word of both. The rules of 0001 hold.

-- How long a document is: a list tells it, and must not read a megabyte for each. The list goes by time within a place.
alter table ambit.documents add column chars integer not null generated always as (length(body)) stored;
create index documents_by_update on ambit.documents (org_id, project_id, updated_at desc, id desc);

-- A thread goes with all that was said in it: its author takes it away, nobody else. What a run wrote is found by the run.
create index contents_by_run on ambit.message_contents (org_id, project_id, run_id) where run_id is not null;
create policy own_removal on ambit.threads as restrictive for delete to ambit_scoped
  using (author_id = (select nullif(current_setting('ambit.user_id', true), '')));
grant delete on ambit.threads to ambit_scoped;

-- An event may be about what is no thread, or none any more: then `about_id` is its id, and `reader_id` who alone is told
-- (null: whoever reads here). A private thread that is gone is told to its author; nothing is left to ask who saw it.
alter table ambit.events alter column thread_id drop not null;
alter table ambit.events
  add column about_id  text,
  add column reader_id text,
  add constraint events_about_one check ((thread_id is null) = (about_id is not null));

drop policy visible on ambit.events;
create policy visible on ambit.events as restrictive for select to ambit_scoped
  using (case
    when thread_id is null then reader_id is null or reader_id = (select nullif(current_setting('ambit.user_id', true), ''))
    else exists (
      select 1 from ambit.threads t
      where t.org_id = events.org_id and t.project_id = events.project_id and t.id = events.thread_id offset 0) end);

-- As before; and of what is no thread, to everybody here or to oneself.
drop policy own_word on ambit.events;
create policy own_word on ambit.events as restrictive for insert to ambit_scoped
  with check (case
    when thread_id is null then run_id is null and (reader_id is null or reader_id = (select nullif(current_setting('ambit.user_id', true), '')))
    else reader_id is null and (
      (run_id is null and exists (
        select 1 from ambit.threads t
        where t.org_id = events.org_id and t.project_id = events.project_id and t.id = events.thread_id offset 0))
      or exists (
        select 1 from ambit.runs r
        where r.org_id = events.org_id and r.project_id = events.project_id and r.id = events.run_id and r.thread_id = events.thread_id
          and r.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0)) end);

grant insert (about_id, reader_id) on ambit.events to ambit_scoped;
