-- Appends one entry to a shard's log, if the log's top is exactly the entry named (A3). Durable when it answers,
-- whatever synchronous_commit is by default: the setting hangs in the condition, so that it is always evaluated.
--
-- $1 shard, $2 the entry that must be the top (0: none), $3 the new entry, $4 its payload
-- Rows affected: 1 taken; 0 refused, nothing was written. An error: nothing was written.
with durable as materialized (
  select set_config('synchronous_commit', 'on', true) as setting
),
head as (
  update log_heads
  set entry = $3::bigint
  where shard = $1::integer
    and entry = $2::bigint
    and (select setting from durable) = 'on'
  returning shard, entry
)
insert into log_entries (shard, entry, payload)
select shard, entry, $4::bytea from head
