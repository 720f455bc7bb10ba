-- The host's own tables, as they were before Ambit came.
create table accounts (id text primary key, name text not null);
create table shops (account text not null references accounts, id text not null, name text not null, primary key (account, id));
create table members (account text not null references accounts, person text not null, role text not null, primary key (account, person));
create table sessions (token text primary key, person text not null);
create table orders (account text not null, shop text not null, id text not null, customer text not null, total integer not null,
                     primary key (account, id));
