-- The log (PostgresLog) and the leases (PostgresLeases) of a switch that runs without Redis.

-- Which log this is, for ever: at most one row.
create table log_name (
  one boolean primary key default true check (one),
  id text not null,
  shards integer not null check (shards > 0)
);

-- The top of each shard's log; 0 before its first entry. Changed by every append: the spare room lets the new
-- version of a row stay on its page.
create table log_heads (
  shard integer primary key,
  entry bigint not null
) with (fillfactor = 10);

-- An entry's number is epoch × 2^32 + sequence.
create table log_entries (
  shard integer not null,
  entry bigint not null check (entry > 0),
  payload bytea not null,
  primary key (shard, entry)
) with (
  -- A payload that fits into a page stays in its row.
  toast_tuple_target = 8160,
  -- Every row is deleted soon: a share of the table is a poor measure of when to clean up.
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_insert_scale_factor = 0.5
);

-- Payloads are packed already; compressing them costs more than it saves.
alter table log_entries alter column payload set storage external;

-- Who owns each shard (A5).
create table leases (
  shard integer primary key,
  counter bigint not null check (counter > 0),
  holder text
) with (fillfactor = 10);
