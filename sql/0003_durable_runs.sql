-- Runs that outlive their process: the ledger of tool calls, queues, keys that make a request repeatable, what a scope is
-- told of its changes, the chosen branch of a thread. The rules of 0001 hold.

-- A run may wait for the one before it in its thread. `number` is that of its answer's message: the order of the queue.
-- `started_at` is when it began to be driven, from which its time is counted, however many nodes drive it. `about` is what
-- its message is about: whoever takes it over tells the model the same. `trimmed`: its frames were kept long enough.
-- `stop_requested_at`: when a stop was first asked for, so that one that nobody heard is found.

alter table ambit.runs drop constraint runs_state_check;
alter table ambit.runs add constraint runs_state_check check (state in ('queued', 'running', 'completed', 'stopped', 'failed'));
alter table ambit.runs
  add column number     bigint not null default 0,
  add column about      text not null default '[]',
  add column started_at timestamptz not null default now(),
  add column trimmed    boolean not null default false,
  add column stop_requested_at timestamptz;

create index runs_by_queue on ambit.runs (org_id, project_id, thread_id, number) where state = 'queued';
create index runs_by_end on ambit.runs (ended_at) where ended_at is not null and not trimmed;

-- Why a fence was taken: the run was opened, left the queue, lost its node, or its owner dropped a model call and made it again.

alter table ambit.claims
  add column reason text not null default 'opened' check (reason in ('opened', 'started', 'takeover', 'retry'));

-- What a message does that comes while the thread is being answered, where it does not say; and the message that the next
-- one follows: the end of the branch that was chosen. Null: the newest.

alter table ambit.threads
  add column on_active text not null default 'reject' check (on_active in ('reject', 'queue', 'interrupt')),
  add column head_id   text;
grant update (on_active, head_id) on ambit.threads to ambit_scoped;

-- The children of a message: how a branch is walked down, and which messages stand in one place.
create index messages_by_parent on ambit.messages (org_id, project_id, thread_id, parent_id, number);

-- Calls: one row per tool call that may run. Claimed before its effect, settled with its outcome; what a dead owner left
-- claimed is `unknown`, unless the tool may be called again. `input` is the validated arguments, `outcome` the chunk that
-- said it. `fence` is the claim of the run under which it was claimed last.

create table ambit.calls (
  org_id     text not null,
  project_id text not null,
  run_id     text not null,
  id         text not null,
  step       integer not null,
  place      integer not null,
  name       text not null,
  effect     text not null,
  input      text not null,
  state      text not null check (state in ('ready', 'claimed', 'done', 'failed', 'unknown')),
  fence      bigint not null,
  outcome    text,
  claimed_at timestamptz,
  settled_at timestamptz,
  primary key (org_id, project_id, run_id, id),
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

-- Requests that may be repeated: what a key of the client's stood for the first time, for 24 hours. `request` is method and
-- path, `body_hash` what was asked. Written before the run that it names, in the same transaction.

create table ambit.idempotency_keys (
  org_id     text not null,
  project_id text not null,
  author_id  text not null,
  request    text not null,
  key        text not null,
  body_hash  text not null,
  run_id     text,
  created_at timestamptz not null default now(),
  primary key (org_id, project_id, author_id, request, key)
);
create index idempotency_keys_by_age on ambit.idempotency_keys (created_at);

-- What began, was queued, ended or changed in a scope: ids only, for an hour. Whoever sees the thread is told.

create table ambit.events (
  org_id     text not null,
  project_id text not null,
  number     bigint not null generated always as identity,
  kind       text not null,
  thread_id  text not null,
  run_id     text,
  at         timestamptz not null default now(),
  primary key (org_id, project_id, number),
  foreign key (org_id, project_id, thread_id) references ambit.threads (org_id, project_id, id) on delete cascade
);
create index events_by_age on ambit.events (at);

alter table ambit.calls            enable row level security;
alter table ambit.calls            force  row level security;
alter table ambit.idempotency_keys enable row level security;
alter table ambit.idempotency_keys force  row level security;
alter table ambit.events           enable row level security;
alter table ambit.events           force  row level security;

do $$
declare
  tenant_table text;
  organisation constant text :=
    $sql$org_id = (select nullif(current_setting('ambit.org_id', true), ''))$sql$;
  projects constant text :=
    $sql$project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))$sql$;
begin
  foreach tenant_table in array array['calls', 'idempotency_keys', 'events'] loop
    execute format('create policy scope on ambit.%I to ambit_scoped using (%s and %s)', tenant_table, organisation, projects);
    execute format('create policy organisation on ambit.%I as restrictive to ambit_scoped using (%s)', tenant_table, organisation);
  end loop;
end $$;

-- Arguments and outcomes hold what was read: behind the read set. Written by the run's author alone.

create policy read_set on ambit.calls as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.read_sets s
    where s.org_id = calls.org_id and s.project_id = calls.project_id and s.run_id = calls.run_id offset 0));
create policy own_record_insert on ambit.calls as restrictive for insert to ambit_scoped
  with check (exists (
    select 1 from ambit.runs r
    where r.org_id = calls.org_id and r.project_id = calls.project_id and r.id = calls.run_id
      and r.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0));
create policy own_record_update on ambit.calls as restrictive for update to ambit_scoped
  using (exists (
    select 1 from ambit.runs r
    where r.org_id = calls.org_id and r.project_id = calls.project_id and r.id = calls.run_id
      and r.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0));

-- A key is its owner's: nobody learns that another one used it.

create policy own on ambit.idempotency_keys as restrictive to ambit_scoped
  using (author_id = (select nullif(current_setting('ambit.user_id', true), '')));

create policy visible on ambit.events as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.threads t
    where t.org_id = events.org_id and t.project_id = events.project_id and t.id = events.thread_id offset 0));

-- What became of a run is said by its author alone, also by one who no longer sees the thread: narrowing takes reads, not
-- the pen. What became of a thread is said by whoever sees it. (For a thread that is hidden the answer is that for none.)
create policy own_word on ambit.events as restrictive for insert to ambit_scoped
  with check (
    (run_id is null and exists (
      select 1 from ambit.threads t
      where t.org_id = events.org_id and t.project_id = events.project_id and t.id = events.thread_id offset 0))
    or exists (
      select 1 from ambit.runs r
      where r.org_id = events.org_id and r.project_id = events.project_id and r.id = events.run_id and r.thread_id = events.thread_id
        and r.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0));

grant select, insert, update (state, fence, outcome, claimed_at, settled_at) on ambit.calls to ambit_scoped;
grant select, insert, update (body_hash, run_id, created_at), delete on ambit.idempotency_keys to ambit_scoped;
-- Not the number: who chose it could tell from a collision what is there, and put the followers past what comes next.
grant select, insert (org_id, project_id, kind, thread_id, run_id) on ambit.events to ambit_scoped;

-- The sweeper starts what was queued, ends what cannot be read under its author's name, and throws away what was kept long
-- enough: by age, never by what it says.

create policy sweeper on ambit.frames           to ambit_sweeper using (true);
create policy sweeper on ambit.idempotency_keys to ambit_sweeper using (true);
create policy sweeper on ambit.events           to ambit_sweeper using (true);

grant select (author_id, message_id, number, started_at, ended_at, trimmed, stop_requested_at), update (state, started_at, trimmed, stop_requested_at)
  on ambit.runs to ambit_sweeper;
grant select (org_id, project_id, run_id), delete on ambit.frames to ambit_sweeper;
grant select (created_at), delete on ambit.idempotency_keys to ambit_sweeper;
grant select (org_id, project_id, number, at), delete on ambit.events to ambit_sweeper;

-- Whoever is on call sees how runs went, of every organisation, and never what was said.

create policy operator on ambit.nodes  to ambit_operator using (true);
create policy operator on ambit.runs   to ambit_operator using (true);
create policy operator on ambit.claims to ambit_operator using (true);
create policy operator on ambit.steps  to ambit_operator using (true);
create policy operator on ambit.calls  to ambit_operator using (true);

grant select on ambit.nodes, ambit.claims, ambit.steps to ambit_operator;
grant select (org_id, project_id, id, thread_id, author_id, model_id, state, finish_reason, error_code, stop_requested, stop_requested_at,
              node_id, epoch, fence, last_seq, number, created_at, started_at, ended_at)
  on ambit.runs to ambit_operator;
grant select (org_id, project_id, run_id, id, step, place, name, effect, state, fence, claimed_at, settled_at)
  on ambit.calls to ambit_operator;
