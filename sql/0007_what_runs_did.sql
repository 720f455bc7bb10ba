-- When a step's model began to speak, how runs are looked for, and the model that a place chose. The rules of 0001 hold.

-- When the model of a step was asked, and when its first word came; `ended_at` is when its part was committed. Null: not known,
-- as of the steps before this migration.
alter table ambit.steps
  add column started_at timestamptz,
  add column first_at   timestamptz;

-- A page of runs in a state, or of an author, by age as a page goes on: without them, whoever asks for a few reads all that ever
-- ran (100,000: 110 to 150 ms in place of 2 to 10). Those of a thread are found by `runs_by_trigger`.
create index runs_by_state  on ambit.runs (org_id, project_id, state, created_at desc, id desc);
create index runs_by_author on ambit.runs (org_id, project_id, author_id, created_at desc, id desc);

-- The model with which runs of this place begin, where a request names none. Null: the organisation's, or the installation's.
alter table ambit.settings add column model text;
grant update (model) on ambit.settings to ambit_scoped;
