-- Keys that end, are known by an id and say when they were last used; parties that can be suspended; operators with
-- roles. And a feed of what has changed, from which every switch learns in time that a key is no good any more.

create table if not exists secrets (
  name text collate "C" primary key,
  value bytea not null,
  created_at timestamptz not null default now()
);
-- Two random UUIDs: 244 random bits. Keys are stored under it (HMAC), and under those that the operator configures.
insert into secrets (name, value)
  values ('key_pepper', sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')));

-- The peppers that the keys of this database are stored under, innermost first, by their fingerprints.
create table key_peppers (
  no integer primary key,
  fingerprint text collate "C" not null
);

alter table keys
  add column id text collate "C" not null unique
    default 'key_' || left(replace(gen_random_uuid()::text, '-', ''), 16),
  add column name text not null default '',
  add column expires_at timestamptz,
  -- To the minute: written now and then, not on the way of a request.
  add column last_used_at timestamptz,
  -- Under how many peppers its hash lies: 0 is the SHA-256 of the key alone, as it was before.
  add column layers integer not null default 0;
create index keys_by_terminal on keys (terminal_id) where terminal_id is not null;
create index keys_by_merchant on keys (merchant_id) where merchant_id is not null;
create index keys_by_paychannel on keys (paychannel_id) where paychannel_id is not null;
create index keys_by_operator on keys (operator_id) where operator_id is not null;

alter table institutions add column suspended_at timestamptz;
alter table merchants add column suspended_at timestamptz;
alter table terminals add column suspended_at timestamptz;
alter table paychannels add column suspended_at timestamptz;
create index paychannels_by_institution on paychannels (institution_id);

alter table operators
  add column suspended_at timestamptz,
  add column role text not null default 'institutionAdmin'
    check (role in ('system', 'institutionAdmin', 'institutionViewer', 'merchantAdmin')),
  add column merchant_id text collate "C" references merchants,
  -- A system operator may belong to no institution: then it sees no bills.
  alter column institution_id drop not null,
  add check (institution_id is not null or role = 'system'),
  add check ((merchant_id is not null) = (role = 'merchantAdmin'));
create index operators_by_institution on operators (institution_id);

-- What a switch may remember and must look at again. Only the latest are kept: who has missed some looks at everything.
create table directory_changes (
  no bigint generated always as identity primary key,
  kind text not null,
  id text collate "C" not null
);

create function tell_directory_change() returns trigger language plpgsql as $$
declare
  told bigint;
begin
  -- One at a time, until the transaction ends: a reader that has seen a number has seen all below it.
  perform pg_advisory_xact_lock(4715328015);
  insert into directory_changes (kind, id) values (tg_argv[0], old.id) returning no into told;
  delete from directory_changes where no <= told - 10000;
  return null;
end
$$;

create trigger keys_change after update of revoked_at, expires_at on keys
  for each row execute function tell_directory_change('key');
create trigger institutions_change after update on institutions
  for each row execute function tell_directory_change('institution');
create trigger merchants_change after update on merchants
  for each row execute function tell_directory_change('merchant');
create trigger terminals_change after update on terminals
  for each row execute function tell_directory_change('terminal');
create trigger paychannels_change after update on paychannels
  for each row execute function tell_directory_change('paychannel');
create trigger operators_change after update on operators
  for each row execute function tell_directory_change('operator');
