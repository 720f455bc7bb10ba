-- Written by `npm run schema`. Do not edit: change it by a migration.

grant usage on schema ambit to ambit_lookup;
grant usage on schema ambit to ambit_operator;
grant usage on schema ambit to ambit_scoped;
grant usage on schema ambit to ambit_sweeper;

create table ambit.api_keys (
  org_id text not null,
  id text not null,
  person_id text not null,
  prefix text not null,
  hash bytea not null,
  created_at timestamp with time zone not null default now(),
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  last_used_at timestamp with time zone,
  made_by text,
  constraint api_keys_prefix_key UNIQUE (prefix),
  constraint api_keys_pkey PRIMARY KEY (org_id, id),
  constraint api_keys_org_id_fkey FOREIGN KEY (org_id) REFERENCES ambit.organisations(id)
);
alter table ambit.api_keys enable row level security, force row level security;
create policy held on ambit.api_keys as restrictive for all to ambit_scoped
  using (((( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text) AND ('*'::text IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text))) OR ((( SELECT NULLIF(current_setting('ambit.own_affairs'::text, true), ''::text) AS "nullif") = 'true'::text) AND (person_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"))));
create policy lookup on ambit.api_keys as permissive for all to ambit_lookup
  using true;
create policy operator on ambit.api_keys as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.api_keys as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_name on ambit.api_keys as restrictive for insert to ambit_scoped
  with check (made_by = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.api_keys as permissive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
grant select on ambit.api_keys to ambit_lookup;
grant update (last_used_at) on ambit.api_keys to ambit_lookup;
grant insert, select, update on ambit.api_keys to ambit_operator;
grant insert (org_id, id, person_id, prefix, hash, expires_at, made_by) on ambit.api_keys to ambit_scoped;
grant select (org_id, id, person_id, prefix, created_at, expires_at, revoked_at, last_used_at, made_by) on ambit.api_keys to ambit_scoped;
grant update (revoked_at) on ambit.api_keys to ambit_scoped;

create table ambit.calls (
  org_id text not null,
  project_id text not null,
  run_id text not null,
  id text not null,
  step integer not null,
  place integer not null,
  name text not null,
  effect text not null,
  input text not null,
  state text not null,
  fence bigint not null,
  outcome text,
  claimed_at timestamp with time zone,
  settled_at timestamp with time zone,
  constraint calls_pkey PRIMARY KEY (org_id, project_id, run_id, id),
  constraint calls_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE,
  constraint calls_state_check CHECK ((state = ANY (ARRAY['ready'::text, 'claimed'::text, 'done'::text, 'failed'::text, 'unknown'::text])))
);
alter table ambit.calls enable row level security, force row level security;
create policy operator on ambit.calls as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.calls as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.calls as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = calls.org_id) AND (r.project_id = calls.project_id) AND (r.id = calls.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy own_record_update on ambit.calls as restrictive for update to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = calls.org_id) AND (r.project_id = calls.project_id) AND (r.id = calls.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy read_set on ambit.calls as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.read_sets s
  WHERE ((s.org_id = calls.org_id) AND (s.project_id = calls.project_id) AND (s.run_id = calls.run_id))
 OFFSET 0));
create policy scope on ambit.calls as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant select (org_id, project_id, run_id, id, step, place, name, effect, state, fence, claimed_at, settled_at) on ambit.calls to ambit_operator;
grant insert, select on ambit.calls to ambit_scoped;
grant update (state, fence, outcome, claimed_at, settled_at) on ambit.calls to ambit_scoped;

create table ambit.claims (
  org_id text not null,
  project_id text not null,
  run_id text not null,
  fence bigint not null,
  base bigint not null,
  node_id text not null,
  epoch bigint not null,
  claimed_at timestamp with time zone not null default now(),
  reason text not null default 'opened'::text,
  constraint claims_pkey PRIMARY KEY (org_id, project_id, run_id, fence),
  constraint claims_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE,
  constraint claims_reason_check CHECK ((reason = ANY (ARRAY['opened'::text, 'started'::text, 'takeover'::text, 'retry'::text])))
);
alter table ambit.claims enable row level security, force row level security;
create policy operator on ambit.claims as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.claims as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.claims as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = claims.org_id) AND (r.project_id = claims.project_id) AND (r.id = claims.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy scope on ambit.claims as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy sweeper on ambit.claims as permissive for all to ambit_sweeper
  using true;
create policy visible on ambit.claims as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = claims.org_id) AND (r.project_id = claims.project_id) AND (r.id = claims.run_id))
 OFFSET 0));
grant select on ambit.claims to ambit_operator;
grant insert, select on ambit.claims to ambit_scoped;
grant insert, select on ambit.claims to ambit_sweeper;

create table ambit.documents (
  org_id text not null,
  project_id text not null,
  id text not null,
  title text not null,
  media_type text not null default 'text/markdown'::text,
  body text not null,
  updated_at timestamp with time zone not null default now(),
  chars integer not null generated as length(body),
  constraint documents_pkey PRIMARY KEY (org_id, project_id, id)
);
CREATE INDEX documents_by_update ON ambit.documents USING btree (org_id, project_id, updated_at DESC, id DESC);
alter table ambit.documents enable row level security, force row level security;
create policy organisation on ambit.documents as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.documents as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant delete, insert, select, update on ambit.documents to ambit_scoped;

create table ambit.events (
  org_id text not null,
  project_id text not null,
  number bigint not null generated always as identity,
  kind text not null,
  thread_id text,
  run_id text,
  at timestamp with time zone not null default now(),
  about_id text,
  reader_id text,
  constraint events_pkey PRIMARY KEY (org_id, project_id, number),
  constraint events_org_id_project_id_thread_id_fkey FOREIGN KEY (org_id, project_id, thread_id) REFERENCES ambit.threads(org_id, project_id, id) ON DELETE CASCADE,
  constraint events_about_one CHECK (((thread_id IS NULL) = (about_id IS NOT NULL)))
);
CREATE INDEX events_by_age ON ambit.events USING btree (at);
alter table ambit.events enable row level security, force row level security;
create policy organisation on ambit.events as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_word on ambit.events as restrictive for insert to ambit_scoped
  with check 
CASE
    WHEN (thread_id IS NULL) THEN ((run_id IS NULL) AND ((reader_id IS NULL) OR (reader_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"))))
    ELSE ((reader_id IS NULL) AND (((run_id IS NULL) AND (EXISTS ( SELECT 1
       FROM ambit.threads t
      WHERE ((t.org_id = events.org_id) AND (t.project_id = events.project_id) AND (t.id = events.thread_id))
     OFFSET 0))) OR (EXISTS ( SELECT 1
       FROM ambit.runs r
      WHERE ((r.org_id = events.org_id) AND (r.project_id = events.project_id) AND (r.id = events.run_id) AND (r.thread_id = events.thread_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
     OFFSET 0))))
END;
create policy scope on ambit.events as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy sweeper on ambit.events as permissive for all to ambit_sweeper
  using true;
create policy visible on ambit.events as restrictive for select to ambit_scoped
  using 
CASE
    WHEN (thread_id IS NULL) THEN ((reader_id IS NULL) OR (reader_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
    ELSE (EXISTS ( SELECT 1
       FROM ambit.threads t
      WHERE ((t.org_id = events.org_id) AND (t.project_id = events.project_id) AND (t.id = events.thread_id))
     OFFSET 0))
END;
grant select on ambit.events to ambit_scoped;
grant insert (org_id, project_id, kind, thread_id, run_id, about_id, reader_id) on ambit.events to ambit_scoped;
grant delete on ambit.events to ambit_sweeper;
grant select (org_id, project_id, number, at) on ambit.events to ambit_sweeper;

create table ambit.files (
  org_id text not null,
  project_id text not null,
  id text not null,
  author_id text not null,
  name text not null,
  media_type text not null,
  content bytea not null,
  thread_id text,
  message_id text,
  created_at timestamp with time zone not null default now(),
  constraint files_pkey PRIMARY KEY (org_id, project_id, id),
  constraint files_org_id_project_id_thread_id_message_id_fkey FOREIGN KEY (org_id, project_id, thread_id, message_id) REFERENCES ambit.messages(org_id, project_id, thread_id, id) ON DELETE CASCADE,
  constraint files_check CHECK (((thread_id IS NULL) = (message_id IS NULL)))
);
CREATE INDEX files_by_message ON ambit.files USING btree (org_id, project_id, thread_id, message_id);
CREATE INDEX files_unsent ON ambit.files USING btree (org_id, project_id, author_id) WHERE (message_id IS NULL);
CREATE INDEX files_unsent_by_age ON ambit.files USING btree (created_at) WHERE (message_id IS NULL);
alter table ambit.files enable row level security, force row level security;
create policy organisation on ambit.files as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_name on ambit.files as restrictive for insert to ambit_scoped
  with check ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) AND (message_id IS NULL));
create policy own_unsent on ambit.files as restrictive for update to ambit_scoped
  using ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) AND (message_id IS NULL))
  with check ((message_id IS NULL) OR (EXISTS ( SELECT 1
   FROM ambit.messages m
  WHERE ((m.org_id = files.org_id) AND (m.project_id = files.project_id) AND (m.thread_id = files.thread_id) AND (m.id = files.message_id) AND (m.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0)));
create policy scope on ambit.files as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy sweeper on ambit.files as permissive for all to ambit_sweeper
  using (message_id IS NULL);
create policy visible on ambit.files as restrictive for select to ambit_scoped
  using ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) OR (EXISTS ( SELECT 1
   FROM ambit.message_contents c
  WHERE ((c.org_id = files.org_id) AND (c.project_id = files.project_id) AND (c.thread_id = files.thread_id) AND (c.message_id = files.message_id))
 OFFSET 0)));
grant select on ambit.files to ambit_scoped;
grant insert (org_id, project_id, id, author_id, name, media_type, content) on ambit.files to ambit_scoped;
grant update (thread_id, message_id) on ambit.files to ambit_scoped;
grant delete on ambit.files to ambit_sweeper;
grant select (message_id, created_at) on ambit.files to ambit_sweeper;

create table ambit.frames (
  org_id text not null,
  project_id text not null,
  run_id text not null,
  first_seq bigint not null,
  last_seq bigint not null,
  text text not null,
  constraint frames_pkey PRIMARY KEY (org_id, project_id, run_id, first_seq),
  constraint frames_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE
);
alter table ambit.frames enable row level security, force row level security;
create policy organisation on ambit.frames as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.frames as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = frames.org_id) AND (r.project_id = frames.project_id) AND (r.id = frames.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy read_set on ambit.frames as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.read_sets s
  WHERE ((s.org_id = frames.org_id) AND (s.project_id = frames.project_id) AND (s.run_id = frames.run_id))
 OFFSET 0));
create policy scope on ambit.frames as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy sweeper on ambit.frames as permissive for all to ambit_sweeper
  using true;
grant insert, select on ambit.frames to ambit_scoped;
grant delete on ambit.frames to ambit_sweeper;
grant select (org_id, project_id, run_id) on ambit.frames to ambit_sweeper;

create table ambit.idempotency_keys (
  org_id text not null,
  project_id text not null,
  author_id text not null,
  request text not null,
  key text not null,
  body_hash text not null,
  run_id text,
  created_at timestamp with time zone not null default now(),
  constraint idempotency_keys_pkey PRIMARY KEY (org_id, project_id, author_id, request, key)
);
CREATE INDEX idempotency_keys_by_age ON ambit.idempotency_keys USING btree (created_at);
alter table ambit.idempotency_keys enable row level security, force row level security;
create policy organisation on ambit.idempotency_keys as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own on ambit.idempotency_keys as restrictive for all to ambit_scoped
  using (author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.idempotency_keys as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy sweeper on ambit.idempotency_keys as permissive for all to ambit_sweeper
  using true;
grant delete, insert, select on ambit.idempotency_keys to ambit_scoped;
grant update (body_hash, run_id, created_at) on ambit.idempotency_keys to ambit_scoped;
grant delete on ambit.idempotency_keys to ambit_sweeper;
grant select (created_at) on ambit.idempotency_keys to ambit_sweeper;

create table ambit.manifests (
  org_id text not null,
  project_id text not null,
  run_id text not null,
  content text not null,
  constraint manifests_pkey PRIMARY KEY (org_id, project_id, run_id),
  constraint manifests_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE
);
alter table ambit.manifests enable row level security, force row level security;
create policy organisation on ambit.manifests as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.manifests as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = manifests.org_id) AND (r.project_id = manifests.project_id) AND (r.id = manifests.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy read_set on ambit.manifests as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.read_sets s
  WHERE ((s.org_id = manifests.org_id) AND (s.project_id = manifests.project_id) AND (s.run_id = manifests.run_id))
 OFFSET 0));
create policy scope on ambit.manifests as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant insert, select on ambit.manifests to ambit_scoped;

create table ambit.memberships (
  org_id text not null,
  project_id text not null,
  person_id text not null,
  role text not null,
  name text not null default ''::text,
  since timestamp with time zone default now(),
  constraint memberships_pkey PRIMARY KEY (org_id, person_id, project_id),
  constraint memberships_org_id_fkey FOREIGN KEY (org_id) REFERENCES ambit.organisations(id),
  constraint memberships_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);
CREATE INDEX memberships_by_person ON ambit.memberships USING btree (person_id, org_id);
alter table ambit.memberships enable row level security, force row level security;
create policy administered_delete on ambit.memberships as restrictive for delete to ambit_scoped
  using ((( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text) OR ((( SELECT NULLIF(current_setting('ambit.own_affairs'::text, true), ''::text) AS "nullif") = 'true'::text) AND (person_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"))));
create policy administered_insert on ambit.memberships as restrictive for insert to ambit_scoped
  with check (( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text);
create policy administered_update on ambit.memberships as restrictive for update to ambit_scoped
  using (( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text);
create policy lookup on ambit.memberships as permissive for all to ambit_lookup
  using true;
create policy operator on ambit.memberships as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.memberships as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.memberships as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant select on ambit.memberships to ambit_lookup;
grant delete, insert, select, update on ambit.memberships to ambit_operator;
grant delete, select on ambit.memberships to ambit_scoped;
grant insert (org_id, project_id, person_id, role, name) on ambit.memberships to ambit_scoped;
grant update (role, name) on ambit.memberships to ambit_scoped;

create table ambit.message_contents (
  org_id text not null,
  project_id text not null,
  thread_id text not null,
  message_id text not null,
  run_id text,
  parts text not null,
  constraint message_contents_pkey PRIMARY KEY (org_id, project_id, thread_id, message_id),
  constraint message_contents_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE,
  constraint message_contents_org_id_project_id_thread_id_message_id_fkey FOREIGN KEY (org_id, project_id, thread_id, message_id) REFERENCES ambit.messages(org_id, project_id, thread_id, id) ON DELETE CASCADE
);
CREATE INDEX contents_by_run ON ambit.message_contents USING btree (org_id, project_id, run_id) WHERE (run_id IS NOT NULL);
alter table ambit.message_contents enable row level security, force row level security;
create policy organisation on ambit.message_contents as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.message_contents as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.messages m
  WHERE ((m.org_id = message_contents.org_id) AND (m.project_id = message_contents.project_id) AND (m.thread_id = message_contents.thread_id) AND (m.id = message_contents.message_id) AND (m.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy read_set on ambit.message_contents as restrictive for select to ambit_scoped
  using ((run_id IS NULL) OR (EXISTS ( SELECT 1
   FROM ambit.read_sets s
  WHERE ((s.org_id = message_contents.org_id) AND (s.project_id = message_contents.project_id) AND (s.run_id = message_contents.run_id))
 OFFSET 0)));
create policy scope on ambit.message_contents as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy visible on ambit.message_contents as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.messages m
  WHERE ((m.org_id = message_contents.org_id) AND (m.project_id = message_contents.project_id) AND (m.thread_id = message_contents.thread_id) AND (m.id = message_contents.message_id))
 OFFSET 0));
grant insert, select on ambit.message_contents to ambit_scoped;

create table ambit.messages (
  org_id text not null,
  project_id text not null,
  thread_id text not null,
  id text not null,
  number bigint not null,
  parent_id text,
  role text not null,
  author_id text not null,
  client_id text,
  created_at timestamp with time zone not null default now(),
  constraint messages_org_id_project_id_thread_id_author_id_client_id_key UNIQUE (org_id, project_id, thread_id, author_id, client_id),
  constraint messages_org_id_project_id_thread_id_number_key UNIQUE (org_id, project_id, thread_id, number),
  constraint messages_pkey PRIMARY KEY (org_id, project_id, thread_id, id),
  constraint messages_org_id_project_id_thread_id_fkey FOREIGN KEY (org_id, project_id, thread_id) REFERENCES ambit.threads(org_id, project_id, id) ON DELETE CASCADE,
  constraint messages_org_id_project_id_thread_id_parent_id_fkey FOREIGN KEY (org_id, project_id, thread_id, parent_id) REFERENCES ambit.messages(org_id, project_id, thread_id, id),
  constraint messages_role_check CHECK ((role = ANY (ARRAY['user'::text, 'assistant'::text])))
);
CREATE INDEX messages_by_parent ON ambit.messages USING btree (org_id, project_id, thread_id, parent_id, number);
alter table ambit.messages enable row level security, force row level security;
create policy organisation on ambit.messages as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_name on ambit.messages as restrictive for insert to ambit_scoped
  with check ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) AND (EXISTS ( SELECT 1
   FROM ambit.threads t
  WHERE ((t.org_id = messages.org_id) AND (t.project_id = messages.project_id) AND (t.id = messages.thread_id))
 OFFSET 0)));
create policy scope on ambit.messages as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy visible on ambit.messages as restrictive for select to ambit_scoped
  using ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) OR (EXISTS ( SELECT 1
   FROM ambit.threads t
  WHERE ((t.org_id = messages.org_id) AND (t.project_id = messages.project_id) AND (t.id = messages.thread_id))
 OFFSET 0)));
grant insert, select on ambit.messages to ambit_scoped;

create table ambit.migrations (
  number integer not null,
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null default now(),
  constraint migrations_pkey PRIMARY KEY (number)
);
alter table ambit.migrations disable row level security;
grant select on ambit.migrations to ambit_lookup;

create table ambit.nodes (
  id text not null,
  epoch bigint not null,
  expires_at timestamp with time zone not null,
  constraint nodes_pkey PRIMARY KEY (id)
);
alter table ambit.nodes enable row level security, force row level security;
create policy operator on ambit.nodes as permissive for all to ambit_operator
  using true;
create policy sweeper on ambit.nodes as permissive for all to ambit_sweeper
  using true;
grant select on ambit.nodes to ambit_operator;
grant delete, insert, select, update on ambit.nodes to ambit_sweeper;

create table ambit.organisations (
  id text not null,
  slug text not null,
  name text not null,
  profile text not null default ''::text,
  created_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint organisations_slug_key UNIQUE (slug),
  constraint organisations_pkey PRIMARY KEY (id)
);
alter table ambit.organisations enable row level security, force row level security;
create policy lookup on ambit.organisations as permissive for all to ambit_lookup
  using true;
create policy operator on ambit.organisations as permissive for all to ambit_operator
  using true;
grant select on ambit.organisations to ambit_lookup;
grant insert, select, update on ambit.organisations to ambit_operator;

create table ambit.people (
  id text not null,
  name text not null,
  created_at timestamp with time zone not null default now(),
  constraint people_pkey PRIMARY KEY (id)
);
alter table ambit.people enable row level security, force row level security;
create policy lookup on ambit.people as permissive for all to ambit_lookup
  using true;
create policy operator on ambit.people as permissive for all to ambit_operator
  using true;
grant select on ambit.people to ambit_lookup;
grant insert, select, update on ambit.people to ambit_operator;

create table ambit.postings (
  org_id text not null,
  lexeme text not null,
  project_id text not null,
  document_id text not null,
  weight integer not null,
  constraint postings_pkey PRIMARY KEY (org_id, project_id, document_id, lexeme),
  constraint postings_org_id_project_id_document_id_fkey FOREIGN KEY (org_id, project_id, document_id) REFERENCES ambit.documents(org_id, project_id, id) ON DELETE CASCADE
);
CREATE INDEX postings_by_lexeme ON ambit.postings USING btree (org_id, lexeme, project_id, document_id) INCLUDE (weight);
alter table ambit.postings enable row level security, force row level security;
create policy organisation on ambit.postings as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.postings as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant delete, insert, select, update on ambit.postings to ambit_scoped;

create table ambit.projects (
  org_id text not null,
  id text not null,
  slug text not null,
  name text not null,
  about text not null default ''::text,
  visibility text not null,
  created_at timestamp with time zone not null default now(),
  deleted_at timestamp with time zone,
  constraint projects_org_id_slug_key UNIQUE (org_id, slug),
  constraint projects_pkey PRIMARY KEY (org_id, id),
  constraint projects_org_id_fkey FOREIGN KEY (org_id) REFERENCES ambit.organisations(id),
  constraint projects_id_check CHECK ((id <> '*'::text)),
  constraint projects_visibility_check CHECK ((visibility = ANY (ARRAY['organisation'::text, 'private'::text])))
);
alter table ambit.projects enable row level security, force row level security;
create policy administered_insert on ambit.projects as restrictive for insert to ambit_scoped
  with check ((( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text) AND ('*'::text IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy administered_update on ambit.projects as restrictive for update to ambit_scoped
  using (( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text);
create policy lookup on ambit.projects as permissive for all to ambit_lookup
  using true;
create policy operator on ambit.projects as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.projects as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.projects as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant select on ambit.projects to ambit_lookup;
grant insert, select, update on ambit.projects to ambit_operator;
grant select on ambit.projects to ambit_scoped;
grant insert (org_id, id, slug, name, about, visibility) on ambit.projects to ambit_scoped;
grant update (name, about, visibility, deleted_at) on ambit.projects to ambit_scoped;

create table ambit.read_sets (
  org_id text not null,
  project_id text not null,
  run_id text not null,
  number bigint not null default 1,
  projects jsonb not null,
  constraint read_sets_pkey PRIMARY KEY (org_id, project_id, run_id),
  constraint read_sets_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE,
  constraint read_sets_projects_check CHECK ((jsonb_typeof(projects) = 'array'::text))
);
alter table ambit.read_sets enable row level security, force row level security;
create policy organisation on ambit.read_sets as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.read_sets as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = read_sets.org_id) AND (r.project_id = read_sets.project_id) AND (r.id = read_sets.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy own_record_update on ambit.read_sets as restrictive for update to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = read_sets.org_id) AND (r.project_id = read_sets.project_id) AND (r.id = read_sets.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy read_set on ambit.read_sets as restrictive for select to ambit_scoped
  using ((( SELECT NULLIF(current_setting('ambit.project_ids'::text, true), ''::text) AS "nullif") IS NOT NULL) AND (NOT (EXISTS ( SELECT
   FROM jsonb_array_elements_text(read_sets.projects) was_read(id)
  WHERE ((was_read.id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)) IS NOT TRUE)))));
create policy scope on ambit.read_sets as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy visible on ambit.read_sets as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = read_sets.org_id) AND (r.project_id = read_sets.project_id) AND (r.id = read_sets.run_id))
 OFFSET 0));
grant insert, select on ambit.read_sets to ambit_scoped;
grant update (number, projects) on ambit.read_sets to ambit_scoped;

create table ambit.runs (
  org_id text not null,
  project_id text not null,
  id text not null,
  thread_id text not null,
  user_message_id text not null,
  message_id text not null,
  author_id text not null,
  model_id text not null,
  state text not null,
  finish_reason text,
  error_code text,
  stop_requested boolean not null default false,
  node_id text not null,
  epoch bigint not null,
  fence bigint not null,
  last_seq bigint not null,
  principal text not null,
  target text not null,
  context text not null,
  created_at timestamp with time zone not null default now(),
  ended_at timestamp with time zone,
  number bigint not null default 0,
  about text not null default '[]'::text,
  started_at timestamp with time zone not null default now(),
  trimmed boolean not null default false,
  stop_requested_at timestamp with time zone,
  constraint runs_pkey PRIMARY KEY (org_id, project_id, id),
  constraint runs_org_id_project_id_thread_id_message_id_fkey FOREIGN KEY (org_id, project_id, thread_id, message_id) REFERENCES ambit.messages(org_id, project_id, thread_id, id) ON DELETE CASCADE,
  constraint runs_org_id_project_id_thread_id_user_message_id_fkey FOREIGN KEY (org_id, project_id, thread_id, user_message_id) REFERENCES ambit.messages(org_id, project_id, thread_id, id) ON DELETE CASCADE,
  constraint runs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'completed'::text, 'stopped'::text, 'failed'::text])))
);
CREATE INDEX runs_by_age ON ambit.runs USING btree (org_id, project_id, created_at DESC, id DESC);
CREATE INDEX runs_by_author ON ambit.runs USING btree (org_id, project_id, author_id, created_at DESC, id DESC);
CREATE INDEX runs_by_end ON ambit.runs USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND (NOT trimmed));
CREATE UNIQUE INDEX runs_by_message ON ambit.runs USING btree (org_id, project_id, thread_id, message_id);
CREATE INDEX runs_by_node ON ambit.runs USING btree (node_id, epoch) WHERE (state = 'running'::text);
CREATE INDEX runs_by_queue ON ambit.runs USING btree (org_id, project_id, thread_id, number) WHERE (state = 'queued'::text);
CREATE INDEX runs_by_state ON ambit.runs USING btree (org_id, project_id, state, created_at DESC, id DESC);
CREATE INDEX runs_by_trigger ON ambit.runs USING btree (org_id, project_id, thread_id, user_message_id);
CREATE UNIQUE INDEX runs_one_active ON ambit.runs USING btree (org_id, project_id, thread_id) WHERE (state = 'running'::text);
alter table ambit.runs enable row level security, force row level security;
create policy operator on ambit.runs as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.runs as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_name on ambit.runs as restrictive for insert to ambit_scoped
  with check ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) AND (EXISTS ( SELECT 1
   FROM ambit.threads t
  WHERE ((t.org_id = runs.org_id) AND (t.project_id = runs.project_id) AND (t.id = runs.thread_id))
 OFFSET 0)));
create policy own_record on ambit.runs as restrictive for update to ambit_scoped
  using (author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.runs as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy sweeper on ambit.runs as permissive for all to ambit_sweeper
  using true;
create policy visible on ambit.runs as restrictive for select to ambit_scoped
  using ((author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")) OR (EXISTS ( SELECT 1
   FROM ambit.threads t
  WHERE ((t.org_id = runs.org_id) AND (t.project_id = runs.project_id) AND (t.id = runs.thread_id))
 OFFSET 0)));
grant select (org_id, project_id, id, thread_id, author_id, model_id, state, finish_reason, error_code, stop_requested, node_id, epoch, fence, last_seq, created_at, ended_at, number, started_at, stop_requested_at) on ambit.runs to ambit_operator;
grant insert, select on ambit.runs to ambit_scoped;
grant update (state, finish_reason, error_code, last_seq, ended_at) on ambit.runs to ambit_scoped;
grant select (org_id, project_id, id, thread_id, message_id, author_id, state, stop_requested, node_id, epoch, fence, last_seq, principal, target, context, ended_at, number, started_at, trimmed, stop_requested_at) on ambit.runs to ambit_sweeper;
grant update (state, stop_requested, node_id, epoch, fence, started_at, trimmed, stop_requested_at) on ambit.runs to ambit_sweeper;

create table ambit.settings (
  org_id text not null,
  project_id text not null,
  ai_enabled boolean not null default true,
  instructions text not null default ''::text,
  model text,
  constraint settings_pkey PRIMARY KEY (org_id, project_id)
);
alter table ambit.settings enable row level security, force row level security;
create policy administered_insert on ambit.settings as restrictive for insert to ambit_scoped
  with check (( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text);
create policy administered_update on ambit.settings as restrictive for update to ambit_scoped
  using (( SELECT NULLIF(current_setting('ambit.administers'::text, true), ''::text) AS "nullif") = 'true'::text);
create policy lookup on ambit.settings as permissive for all to ambit_lookup
  using true;
create policy operator on ambit.settings as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.settings as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.settings as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant select on ambit.settings to ambit_lookup;
grant insert, select, update on ambit.settings to ambit_operator;
grant insert, select on ambit.settings to ambit_scoped;
grant update (ai_enabled, instructions, model) on ambit.settings to ambit_scoped;

create table ambit.sign_ins (
  org_id text not null,
  key_id text not null,
  hash bytea not null,
  created_at timestamp with time zone not null default now(),
  used_at timestamp with time zone not null default now(),
  ends_at timestamp with time zone not null,
  constraint sign_ins_pkey PRIMARY KEY (org_id, key_id, hash),
  constraint sign_ins_org_id_key_id_fkey FOREIGN KEY (org_id, key_id) REFERENCES ambit.api_keys(org_id, id)
);
CREATE INDEX sign_ins_by_end ON ambit.sign_ins USING btree (ends_at);
CREATE INDEX sign_ins_by_hash ON ambit.sign_ins USING btree (hash);
alter table ambit.sign_ins enable row level security, force row level security;
create policy lookup on ambit.sign_ins as permissive for all to ambit_lookup
  using true;
grant delete, insert, select on ambit.sign_ins to ambit_lookup;
grant update (used_at, ends_at) on ambit.sign_ins to ambit_lookup;

create table ambit.steps (
  org_id text not null,
  project_id text not null,
  run_id text not null,
  number integer not null,
  fence bigint not null,
  finish_reason text not null,
  usage text not null,
  ended_at timestamp with time zone not null default now(),
  started_at timestamp with time zone,
  first_at timestamp with time zone,
  constraint steps_pkey PRIMARY KEY (org_id, project_id, run_id, number),
  constraint steps_org_id_project_id_run_id_fkey FOREIGN KEY (org_id, project_id, run_id) REFERENCES ambit.runs(org_id, project_id, id) ON DELETE CASCADE
);
alter table ambit.steps enable row level security, force row level security;
create policy operator on ambit.steps as permissive for all to ambit_operator
  using true;
create policy organisation on ambit.steps as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_record_insert on ambit.steps as restrictive for insert to ambit_scoped
  with check (EXISTS ( SELECT 1
   FROM ambit.runs r
  WHERE ((r.org_id = steps.org_id) AND (r.project_id = steps.project_id) AND (r.id = steps.run_id) AND (r.author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")))
 OFFSET 0));
create policy read_set on ambit.steps as restrictive for select to ambit_scoped
  using (EXISTS ( SELECT 1
   FROM ambit.read_sets s
  WHERE ((s.org_id = steps.org_id) AND (s.project_id = steps.project_id) AND (s.run_id = steps.run_id))
 OFFSET 0));
create policy scope on ambit.steps as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
grant select on ambit.steps to ambit_operator;
grant insert, select on ambit.steps to ambit_scoped;

create table ambit.threads (
  org_id text not null,
  project_id text not null,
  id text not null,
  author_id text not null,
  alias text,
  shared boolean not null default false,
  title text not null default ''::text,
  next_number bigint not null default 1,
  created_at timestamp with time zone not null default now(),
  updated_at timestamp with time zone not null default now(),
  on_active text not null default 'reject'::text,
  head_id text,
  constraint threads_org_id_project_id_author_id_alias_key UNIQUE (org_id, project_id, author_id, alias),
  constraint threads_pkey PRIMARY KEY (org_id, project_id, id),
  constraint threads_on_active_check CHECK ((on_active = ANY (ARRAY['reject'::text, 'queue'::text, 'interrupt'::text])))
);
CREATE INDEX threads_by_update ON ambit.threads USING btree (org_id, project_id, updated_at DESC, id DESC);
alter table ambit.threads enable row level security, force row level security;
create policy organisation on ambit.threads as restrictive for all to ambit_scoped
  using (org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif"));
create policy own_name on ambit.threads as restrictive for insert to ambit_scoped
  with check (author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"));
create policy own_removal on ambit.threads as restrictive for delete to ambit_scoped
  using (author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif"));
create policy scope on ambit.threads as permissive for all to ambit_scoped
  using ((org_id = ( SELECT NULLIF(current_setting('ambit.org_id'::text, true), ''::text) AS "nullif")) AND (project_id IN ( SELECT jsonb_array_elements_text((NULLIF(current_setting('ambit.project_ids'::text, true), ''::text))::jsonb) AS jsonb_array_elements_text)));
create policy visible on ambit.threads as restrictive for all to ambit_scoped
  using (shared OR (author_id = ( SELECT NULLIF(current_setting('ambit.user_id'::text, true), ''::text) AS "nullif")));
grant delete, insert, select on ambit.threads to ambit_scoped;
grant update (shared, title, next_number, updated_at, on_active, head_id) on ambit.threads to ambit_scoped;
