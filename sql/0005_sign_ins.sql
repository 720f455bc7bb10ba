-- Signing in: an API key exchanged for a cookie, so that a browser need not keep the key. The rules of 0001 hold.

-- A cookie holds 256 random bits; here is their SHA-256. A sign-in is worth what its key is worth: who it speaks for is read from
-- the key at each request, and a key that is revoked or expired takes it along. `ends_at` is moved with each use that is written.
create table ambit.sign_ins (
  org_id     text not null,
  key_id     text not null,
  hash       bytea not null,
  created_at timestamptz not null default now(),
  used_at    timestamptz not null default now(),
  ends_at    timestamptz not null,
  primary key (org_id, key_id, hash),
  foreign key (org_id, key_id) references ambit.api_keys (org_id, id)
);
-- The cookie comes before any organisation is known. Not unique: that would be a key without its organisation.
create index sign_ins_by_hash on ambit.sign_ins (hash);
create index sign_ins_by_end on ambit.sign_ins (ends_at);

alter table ambit.sign_ins enable row level security;
alter table ambit.sign_ins force  row level security;

create policy lookup on ambit.sign_ins to ambit_lookup using (true);

grant select, insert, update (used_at, ends_at), delete on ambit.sign_ins to ambit_lookup;

-- The organisations that somebody is in, where the credential names none.
create index memberships_by_person on ambit.memberships (person_id, org_id);
