-- The spine: directory, threads, runs, documents, and the walls around them.
--
-- Rules that every table here keeps, and every later migration must keep:
--   * RLS is enabled and FORCEd, so that not even the owner reads past it by accident.
--   * A tenant table's keys begin with (org_id, project_id), both never null. A key without them answers
--     "this id exists" (23505) to somebody who may not know. Rows of the organisation itself carry project '*'.
--   * Settings are read once per statement: (select nullif(current_setting(…, true), '')). Unwrapped, the call is
--     made per row, and 5,000 projects x 20,000 rows take 50 s instead of milliseconds. nullif, because after
--     SET LOCAL ends a setting is '' and not null.
--   * Restrictive policies say what must hold besides; they cannot be opened by a careless second permissive policy.
--   * What may be updated or deleted has a policy for that, because a statement without WHERE asks no select policy.
--   * `exists (… offset 0)`: asked per row, by key. Without it the planner may answer for all rows of the organisation at
--     once (a hashed subplan), and the cost of a page grows with what others wrote.
--   * No policy filters by full-text or jsonb operators on an indexed column: they are not leakproof, so the index is lost.

grant usage on schema ambit to ambit_lookup, ambit_scoped, ambit_sweeper, ambit_operator;

-- Directory: who is who, as Ambit keeps it when no host does. Read by lookup before a scope exists, written by operator.

create table ambit.organisations (
  id         text primary key,
  slug       text not null unique,
  name       text not null,
  profile    text not null default '',
  created_at timestamptz not null default now(),
  deleted_at timestamptz
);

create table ambit.projects (
  org_id     text not null references ambit.organisations (id),
  id         text not null check (id <> '*'),
  slug       text not null,
  name       text not null,
  about      text not null default '',
  visibility text not null check (visibility in ('organisation', 'private')),
  created_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (org_id, id),
  unique (org_id, slug)
);

create table ambit.people (
  id         text primary key,
  name       text not null,
  created_at timestamptz not null default now()
);

-- project_id '*' is the membership of the organisation itself.
create table ambit.memberships (
  org_id     text not null references ambit.organisations (id),
  project_id text not null,
  person_id  text not null references ambit.people (id),
  role       text not null check (role in ('owner', 'admin', 'member', 'viewer')),
  primary key (org_id, person_id, project_id)
);

-- A key speaks for one person in one organisation. The prefix finds the row, the hash (SHA-256) proves the secret.
create table ambit.api_keys (
  org_id       text not null references ambit.organisations (id),
  id           text not null,
  person_id    text not null references ambit.people (id),
  prefix       text not null unique,
  hash         bytea not null,
  created_at   timestamptz not null default now(),
  expires_at   timestamptz,
  revoked_at   timestamptz,
  last_used_at timestamptz,
  primary key (org_id, id)
);

-- What an organisation rules for itself ('*') and for each project. Lives apart from the directory, because a host
-- that keeps its own directory still has settings here.
create table ambit.settings (
  org_id       text not null,
  project_id   text not null,
  ai_enabled   boolean not null default true,
  instructions text not null default '',
  primary key (org_id, project_id)
);

-- Nodes: one lease each, in database time. A run names its node and epoch.

create table ambit.nodes (
  id         text primary key,
  epoch      bigint not null,
  expires_at timestamptz not null
);

-- Threads. `alias` is the id that a client chose: it is its owner's alone. `next_number` numbers the messages.

create table ambit.threads (
  org_id      text not null,
  project_id  text not null,
  id          text not null,
  author_id   text not null,
  alias       text,
  shared      boolean not null default false,
  title       text not null default '',
  next_number bigint not null default 1,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  primary key (org_id, project_id, id),
  unique (org_id, project_id, author_id, alias)
);
create index threads_by_update on ambit.threads (org_id, project_id, updated_at desc, id desc);

-- A message's skeleton: who, where in the tree. Whoever sees the thread sees it. What was said lies in message_contents.

create table ambit.messages (
  org_id     text not null,
  project_id text not null,
  thread_id  text not null,
  id         text not null,
  number     bigint not null,
  parent_id  text,
  role       text not null check (role in ('user', 'assistant')),
  author_id  text not null,
  client_id  text,
  created_at timestamptz not null default now(),
  primary key (org_id, project_id, thread_id, id),
  unique (org_id, project_id, thread_id, number),
  unique (org_id, project_id, thread_id, author_id, client_id),
  foreign key (org_id, project_id, thread_id) references ambit.threads (org_id, project_id, id) on delete cascade,
  foreign key (org_id, project_id, thread_id, parent_id) references ambit.messages (org_id, project_id, thread_id, id)
);

-- Runs: the work on one assistant message. Owner (node, epoch), fence and last_seq are what a takeover compares.

create table ambit.runs (
  org_id          text not null,
  project_id      text not null,
  id              text not null,
  thread_id       text not null,
  user_message_id text not null,
  message_id      text not null,
  author_id       text not null,
  model_id        text not null,
  state           text not null check (state in ('running', 'completed', 'stopped', 'failed')),
  finish_reason   text,
  error_code      text,
  stop_requested  boolean not null default false,
  node_id         text not null,
  epoch           bigint not null,
  fence           bigint not null,
  last_seq        bigint not null,
  principal       text not null,
  target          text not null,
  context         text not null,
  created_at      timestamptz not null default now(),
  ended_at        timestamptz,
  primary key (org_id, project_id, id),
  foreign key (org_id, project_id, thread_id, user_message_id)
    references ambit.messages (org_id, project_id, thread_id, id) on delete cascade,
  foreign key (org_id, project_id, thread_id, message_id)
    references ambit.messages (org_id, project_id, thread_id, id) on delete cascade
);
create unique index runs_one_active on ambit.runs (org_id, project_id, thread_id) where state = 'running';
create unique index runs_by_message on ambit.runs (org_id, project_id, thread_id, message_id);
create index runs_by_trigger on ambit.runs (org_id, project_id, thread_id, user_message_id);
create index runs_by_age on ambit.runs (org_id, project_id, created_at desc, id desc);
create index runs_by_node on ambit.runs (node_id, epoch) where state = 'running';

-- One row per claim of a run: from this fence on, frames begin after base. A cursor of an older fence beyond the base
-- of the first claim after it lies in a dropped attempt.

create table ambit.claims (
  org_id     text not null,
  project_id text not null,
  run_id     text not null,
  fence      bigint not null,
  base       bigint not null,
  node_id    text not null,
  epoch      bigint not null,
  claimed_at timestamptz not null default now(),
  primary key (org_id, project_id, run_id, fence),
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

-- The read set of a run: every project whose rows reached its context or its results. `number` counts its growths;
-- live frames carry it, so that a follower checks its reader once per growth and never per token.

create table ambit.read_sets (
  org_id     text not null,
  project_id text not null,
  run_id     text not null,
  number     bigint not null default 1,
  projects   jsonb not null check (jsonb_typeof(projects) = 'array'),
  primary key (org_id, project_id, run_id),
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

-- What was said, as UI message parts. A user's message names no run; an answer names the run whose read set guards it.
-- text and not jsonb: jsonb reorders keys and refuses NUL and lone surrogates.

create table ambit.message_contents (
  org_id     text not null,
  project_id text not null,
  thread_id  text not null,
  message_id text not null,
  run_id     text,
  parts      text not null,
  primary key (org_id, project_id, thread_id, message_id),
  foreign key (org_id, project_id, thread_id, message_id)
    references ambit.messages (org_id, project_id, thread_id, id) on delete cascade,
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

-- Steps: one model call each, with its usage as the provider gave it.

create table ambit.steps (
  org_id        text not null,
  project_id    text not null,
  run_id        text not null,
  number        integer not null,
  fence         bigint not null,
  finish_reason text not null,
  usage         text not null,
  ended_at      timestamptz not null default now(),
  primary key (org_id, project_id, run_id, number),
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

-- Frames: the bytes that were sent, one row per commit (never per token).

create table ambit.frames (
  org_id     text not null,
  project_id text not null,
  run_id     text not null,
  first_seq  bigint not null,
  last_seq   bigint not null,
  text       text not null,
  primary key (org_id, project_id, run_id, first_seq),
  foreign key (org_id, project_id, run_id) references ambit.runs (org_id, project_id, id) on delete cascade
);

-- Documents, and their lexemes in a table with plain equality keys: under RLS a GIN index is not used
-- (@@ is not leakproof: 600 ms at 50,000 documents), text equality is.

create table ambit.documents (
  org_id     text not null,
  project_id text not null,
  id         text not null,
  title      text not null,
  media_type text not null default 'text/markdown',
  body       text not null,
  updated_at timestamptz not null default now(),
  primary key (org_id, project_id, id)
);

create table ambit.postings (
  org_id      text not null,
  lexeme      text not null,
  project_id  text not null,
  document_id text not null,
  weight      integer not null,
  primary key (org_id, project_id, document_id, lexeme),
  foreign key (org_id, project_id, document_id)
    references ambit.documents (org_id, project_id, id) on delete cascade
);
create index postings_by_lexeme on ambit.postings (org_id, lexeme, project_id, document_id) include (weight);

-- Walls. Each table in turn: on, forced, and nothing without a policy.

alter table ambit.organisations    enable row level security;
alter table ambit.organisations    force  row level security;
alter table ambit.projects         enable row level security;
alter table ambit.projects         force  row level security;
alter table ambit.people           enable row level security;
alter table ambit.people           force  row level security;
alter table ambit.memberships      enable row level security;
alter table ambit.memberships      force  row level security;
alter table ambit.api_keys         enable row level security;
alter table ambit.api_keys         force  row level security;
alter table ambit.settings         enable row level security;
alter table ambit.settings         force  row level security;
alter table ambit.nodes            enable row level security;
alter table ambit.nodes            force  row level security;
alter table ambit.threads          enable row level security;
alter table ambit.threads          force  row level security;
alter table ambit.messages         enable row level security;
alter table ambit.messages         force  row level security;
alter table ambit.runs             enable row level security;
alter table ambit.runs             force  row level security;
alter table ambit.claims           enable row level security;
alter table ambit.claims           force  row level security;
alter table ambit.read_sets        enable row level security;
alter table ambit.read_sets        force  row level security;
alter table ambit.message_contents enable row level security;
alter table ambit.message_contents force  row level security;
alter table ambit.steps            enable row level security;
alter table ambit.steps            force  row level security;
alter table ambit.frames           enable row level security;
alter table ambit.frames           force  row level security;
alter table ambit.documents        enable row level security;
alter table ambit.documents        force  row level security;
alter table ambit.postings         enable row level security;
alter table ambit.postings         force  row level security;

-- The organisation and the projects of the scope: the same two policies on every tenant table.

do $$
declare
  tenant_table text;
  organisation constant text :=
    $sql$org_id = (select nullif(current_setting('ambit.org_id', true), ''))$sql$;
  projects constant text :=
    $sql$project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))$sql$;
begin
  foreach tenant_table in array array[
    'threads', 'messages', 'runs', 'claims', 'read_sets', 'message_contents', 'steps', 'frames', 'documents', 'postings'
  ] loop
    execute format('create policy scope on ambit.%I to ambit_scoped using (%s and %s)', tenant_table, organisation, projects);
    execute format('create policy organisation on ambit.%I as restrictive to ambit_scoped using (%s)', tenant_table, organisation);
  end loop;
end $$;

-- A thread is its author's until it is shared with its scope; nobody begins one in another's name.

create policy visible on ambit.threads as restrictive to ambit_scoped
  using (shared or author_id = (select nullif(current_setting('ambit.user_id', true), '')));
create policy own_name on ambit.threads as restrictive for insert to ambit_scoped
  with check (author_id = (select nullif(current_setting('ambit.user_id', true), '')));

-- Who sees the thread sees its skeleton and its runs. Authors keep their own rows also when the thread is taken back
-- from them in mid-run: narrowing takes reads, not the pen. Nobody begins one where they do not see the thread: a key
-- that fits would tell that a private thread is there.

create policy visible on ambit.messages as restrictive for select to ambit_scoped
  using (
    author_id = (select nullif(current_setting('ambit.user_id', true), ''))
    or exists (
      select 1 from ambit.threads t
      where t.org_id = messages.org_id and t.project_id = messages.project_id and t.id = messages.thread_id offset 0));
create policy own_name on ambit.messages as restrictive for insert to ambit_scoped
  with check (
    author_id = (select nullif(current_setting('ambit.user_id', true), ''))
    and exists (
      select 1 from ambit.threads t
      where t.org_id = messages.org_id and t.project_id = messages.project_id and t.id = messages.thread_id offset 0));

create policy visible on ambit.runs as restrictive for select to ambit_scoped
  using (
    author_id = (select nullif(current_setting('ambit.user_id', true), ''))
    or exists (
      select 1 from ambit.threads t
      where t.org_id = runs.org_id and t.project_id = runs.project_id and t.id = runs.thread_id offset 0));
create policy own_name on ambit.runs as restrictive for insert to ambit_scoped
  with check (
    author_id = (select nullif(current_setting('ambit.user_id', true), ''))
    and exists (
      select 1 from ambit.threads t
      where t.org_id = runs.org_id and t.project_id = runs.project_id and t.id = runs.thread_id offset 0));

create policy visible on ambit.claims as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.runs r
    where r.org_id = claims.org_id and r.project_id = claims.project_id and r.id = claims.run_id offset 0));

-- The read set: all of its projects must be the reader's. Everything a run said stands behind this one policy, by
-- `exists`: a read set that is invisible hides, it never opens.

create policy visible on ambit.read_sets as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.runs r
    where r.org_id = read_sets.org_id and r.project_id = read_sets.project_id and r.id = read_sets.run_id offset 0));
create policy read_set on ambit.read_sets as restrictive for select to ambit_scoped
  using (
    (select nullif(current_setting('ambit.project_ids', true), '')) is not null
    -- A hashed look-up per project that was read: jsonb @> compares each with each, 5,000 x 2,000 in seconds.
    -- "is not true", because a null among either would make "not in" open.
    and not exists (
      select from jsonb_array_elements_text(projects) as was_read (id)
      where (was_read.id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))) is not true));

create policy visible on ambit.message_contents as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.messages m
    where m.org_id = message_contents.org_id and m.project_id = message_contents.project_id
      and m.thread_id = message_contents.thread_id and m.id = message_contents.message_id offset 0));
create policy read_set on ambit.message_contents as restrictive for select to ambit_scoped
  using (run_id is null or exists (
    select 1 from ambit.read_sets s
    where s.org_id = message_contents.org_id and s.project_id = message_contents.project_id
      and s.run_id = message_contents.run_id offset 0));
create policy read_set on ambit.steps as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.read_sets s
    where s.org_id = steps.org_id and s.project_id = steps.project_id and s.run_id = steps.run_id offset 0));
create policy read_set on ambit.frames as restrictive for select to ambit_scoped
  using (exists (
    select 1 from ambit.read_sets s
    where s.org_id = frames.org_id and s.project_id = frames.project_id and s.run_id = frames.run_id offset 0));

-- A run's record is its author's to write: who sees a shared thread reads it, and writes into no run but an own one.
-- So the policies above that say who sees are `for select`: checked for writes too, they were planned four times over
-- (12 of the 35 ms that the database took for a whole answer went into two inserts).
-- (A stop by somebody else goes through the sweeper, who may set the mark and nothing that was said.)

create policy own_record on ambit.runs as restrictive for update to ambit_scoped
  using (author_id = (select nullif(current_setting('ambit.user_id', true), '')));

do $$
declare
  recorded record;
begin
  for recorded in select * from (values
    ('claims', 'insert'), ('read_sets', 'insert'), ('read_sets', 'update'), ('steps', 'insert'), ('frames', 'insert')
  ) as t (name, command) loop
    execute format(
      'create policy own_record_%2$s on ambit.%1$I as restrictive for %2$s to ambit_scoped %3$s (exists (
         select 1 from ambit.runs r
         where r.org_id = %1$I.org_id and r.project_id = %1$I.project_id and r.id = %1$I.run_id
           and r.author_id = (select nullif(current_setting(''ambit.user_id'', true), '''')) offset 0))',
      recorded.name, recorded.command, case recorded.command when 'insert' then 'with check' else 'using' end);
  end loop;
end $$;

create policy own_record_insert on ambit.message_contents as restrictive for insert to ambit_scoped
  with check (exists (
    select 1 from ambit.messages m
    where m.org_id = message_contents.org_id and m.project_id = message_contents.project_id
      and m.thread_id = message_contents.thread_id and m.id = message_contents.message_id
      and m.author_id = (select nullif(current_setting('ambit.user_id', true), '')) offset 0));

-- `using (true)` only where no scope exists, only to the handle that needs it, and only on the columns it needs.

create policy lookup on ambit.organisations to ambit_lookup using (true);
create policy lookup on ambit.projects      to ambit_lookup using (true);
create policy lookup on ambit.people        to ambit_lookup using (true);
create policy lookup on ambit.memberships   to ambit_lookup using (true);
create policy lookup on ambit.api_keys      to ambit_lookup using (true);
create policy lookup on ambit.settings      to ambit_lookup using (true);

create policy operator on ambit.organisations to ambit_operator using (true);
create policy operator on ambit.projects      to ambit_operator using (true);
create policy operator on ambit.people        to ambit_operator using (true);
create policy operator on ambit.memberships   to ambit_operator using (true);
create policy operator on ambit.api_keys      to ambit_operator using (true);
create policy operator on ambit.settings      to ambit_operator using (true);

create policy sweeper on ambit.nodes  to ambit_sweeper using (true);
create policy sweeper on ambit.runs   to ambit_sweeper using (true);
create policy sweeper on ambit.claims to ambit_sweeper using (true);

grant select on ambit.organisations, ambit.projects, ambit.people, ambit.memberships, ambit.api_keys, ambit.settings
  to ambit_lookup;
grant update (last_used_at) on ambit.api_keys to ambit_lookup;

grant select, insert, update on ambit.organisations, ambit.projects, ambit.people, ambit.api_keys, ambit.settings
  to ambit_operator;
grant select, insert, update, delete on ambit.memberships to ambit_operator;

grant select, insert, update, delete on ambit.nodes to ambit_sweeper;
grant select (org_id, project_id, id, thread_id, state, stop_requested, node_id, epoch, fence, last_seq,
              principal, target, context),
      update (node_id, epoch, fence, stop_requested)
  on ambit.runs to ambit_sweeper;
grant select, insert on ambit.claims to ambit_sweeper;

grant select, insert, update (shared, title, next_number, updated_at) on ambit.threads to ambit_scoped;
grant select, insert on ambit.messages to ambit_scoped;
grant select, insert, update (state, finish_reason, error_code, last_seq, ended_at) on ambit.runs
  to ambit_scoped;
grant select, insert on ambit.claims to ambit_scoped;
grant select, insert, update (number, projects) on ambit.read_sets to ambit_scoped;
grant select, insert on ambit.message_contents, ambit.steps, ambit.frames to ambit_scoped;
grant select, insert, update, delete on ambit.documents, ambit.postings to ambit_scoped;
