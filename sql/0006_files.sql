-- Files that people attach to what they say. The rules of 0001 hold.

-- A file is its author's until a message names it: then it is seen by whoever sees what that message says. An edit stands in
-- the same thread, and may name the file, too. One that no message names goes after a day.

create table ambit.files (
  org_id     text not null,
  project_id text not null,
  id         text not null,
  author_id  text not null,
  name       text not null,
  media_type text not null,
  content    bytea not null,
  thread_id  text,
  message_id text,
  created_at timestamptz not null default now(),
  primary key (org_id, project_id, id),
  foreign key (org_id, project_id, thread_id, message_id)
    references ambit.messages (org_id, project_id, thread_id, id) on delete cascade,
  check ((thread_id is null) = (message_id is null))
);
-- Images are packed already, and a part of a file is read without the rest.
alter table ambit.files alter column content set storage external;

create index files_by_message on ambit.files (org_id, project_id, thread_id, message_id);
create index files_unsent on ambit.files (org_id, project_id, author_id) where message_id is null;
create index files_unsent_by_age on ambit.files (created_at) where message_id is null;

alter table ambit.files enable row level security;
alter table ambit.files force  row level security;

create policy scope on ambit.files to ambit_scoped
  using (org_id = (select nullif(current_setting('ambit.org_id', true), ''))
    and project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb)));
create policy organisation on ambit.files as restrictive to ambit_scoped
  using (org_id = (select nullif(current_setting('ambit.org_id', true), '')));

-- By the content and not by the message: what hides what was said hides the file that it came with.
create policy visible on ambit.files as restrictive for select to ambit_scoped
  using (
    author_id = (select nullif(current_setting('ambit.user_id', true), ''))
    or exists (
      select 1 from ambit.message_contents c
      where c.org_id = files.org_id and c.project_id = files.project_id
        and c.thread_id = files.thread_id and c.message_id = files.message_id offset 0));
create policy own_name on ambit.files as restrictive for insert to ambit_scoped
  with check (author_id = (select nullif(current_setting('ambit.user_id', true), '')) and message_id is null);

-- A file is sent once, by its author, in a message of the author's own; after that it stays as it is.
create policy own_unsent on ambit.files as restrictive for update to ambit_scoped
  using (author_id = (select nullif(current_setting('ambit.user_id', true), '')) and message_id is null)
  with check (message_id is null or exists (
    select 1 from ambit.messages m
    where m.org_id = files.org_id and m.project_id = files.project_id and m.thread_id = files.thread_id and m.id = files.message_id
      and m.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0));

-- The sweeper throws away what was not sent, and sees nothing else.
create policy sweeper on ambit.files to ambit_sweeper using (message_id is null);

grant select, insert (org_id, project_id, id, author_id, name, media_type, content), update (thread_id, message_id)
  on ambit.files to ambit_scoped;
grant select (message_id, created_at), delete on ambit.files to ambit_sweeper;
