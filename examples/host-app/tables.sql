-- The host's own tables, as they were before Ambit came.
create table accounts (id text primary key, name text not null);
create table shops (account text not null references accounts, id text not null, name text not null, primary key (account, id));
create table members (account text not null references accounts, person text not null, primary key (account, person));
create table sessions (token text primary key, person text not null);
create table orders (account text not null, shop text not null, id text not null, customer text not null, total integer not null,
                     primary key (account, id));

-- What opens them to tools: a view that shows only the rows of the scope, whatever a tool's SQL forgets.
create schema ambit_host;
create view ambit_host.orders with (security_barrier) as
  select * from orders
  where account = (select nullif(current_setting('ambit.org_id', true), ''))
    and shop in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))
  with check option;
grant usage on schema ambit_host to ambit_scoped;
grant select on ambit_host.orders to ambit_scoped;
