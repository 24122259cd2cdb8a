-- Drops the entries of a shard's log below one that stays. Where that one does not stand in the log, nothing is
-- dropped. It need not be durable: what comes back is dropped again.
--
-- $1 shard, $2 the first entry to keep
delete from log_entries
where shard = $1::integer
  and entry < $2::bigint
  and exists (select from log_entries where shard = $1::integer and entry = $2::bigint)
