-- Gives up each lease that still stands as its holder knows it (A5). The counter stays, so that it never repeats.
--
-- $1 leases held, as JSON: [{ shard, counter, holder }]
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
set holder = null
from standing
where leases.shard = standing.shard and leases.counter = standing.counter
