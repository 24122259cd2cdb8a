-- Tells the first and the last entry of a shard's log, and its head, as of one instant.
--
-- $1 shard
-- Out: one row, first and last null where there is no entry; no row where the log has no such shard
select
  head.entry as head,
  (select min(entry) from log_entries where shard = head.shard) as first,
  (select max(entry) from log_entries where shard = head.shard) as last
from log_heads as head
where head.shard = $1::integer
