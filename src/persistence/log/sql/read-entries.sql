-- Reads entries of a shard's log, oldest first.
--
-- $1 shard, $2 the entry above which to read, $3 how many at most
select entry, payload
from log_entries
where shard = $1::integer and entry > $2::bigint
order by entry
limit $3::integer
