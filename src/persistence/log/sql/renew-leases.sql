-- Counts up each lease that still stands as its holder knows it, all in one durable statement (A5).
--
-- $1 leases held, as JSON: [{ shard, counter, holder }]
-- Out: the leases renewed, as they now stand. Locked in the order of shards, as takers do.
with durable as materialized (
  select set_config('synchronous_commit', 'on', true) as setting
),
standing as (
  select lease.shard, lease.counter
  from leases as lease
  join json_to_recordset($1::text::json) as held (shard integer, counter bigint, holder text)
    on lease.shard = held.shard and lease.counter = held.counter and lease.holder = held.holder
  where (select setting from durable) = 'on'
  order by lease.shard
  for update of lease
)
update leases
set counter = leases.counter + 1
from standing
where leases.shard = standing.shard and leases.counter = standing.counter
returning leases.shard, leases.counter, leases.holder
