-- Takes each lease whose counter is still the one that was seen, all in one durable statement (A5).
--
-- $1 leases seen, as JSON: [{ shard, counter }]; counter 0: nobody ever held it
-- $2 the new holder
-- Out: the leases taken, as they now stand. In the order of shards, so that two takers cannot lock each other out.
with durable as materialized (
  select set_config('synchronous_commit', 'on', true) as setting
),
seen as (
  select shard, counter from json_to_recordset($1::text::json) as given (shard integer, counter bigint)
)
insert into leases as lease (shard, counter, holder)
select seen.shard, seen.counter + 1, $2::text
from seen
where (select setting from durable) = 'on'
  and (seen.counter = 0 or exists (select from leases where leases.shard = seen.shard))
order by seen.shard
on conflict (shard) do update
set counter = excluded.counter, holder = excluded.holder
where lease.counter = excluded.counter - 1
returning lease.shard, lease.counter, lease.holder
