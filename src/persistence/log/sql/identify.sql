-- Gives the log its name and its shards, each with an empty head, unless it has them already.
--
-- $1 id, $2 number of shards
-- Out: nothing; read-name.sql tells whose proposal stands.
with durable as materialized (
  select set_config('synchronous_commit', 'on', true) as setting
),
named as (
  insert into log_name (id, shards)
  select $1::text, $2::integer where (select setting from durable) = 'on'
  on conflict do nothing
  returning shards
)
insert into log_heads (shard, entry)
select shard, 0 from named, generate_series(0, named.shards - 1) as shard
