-- Reads leases. A shard that nobody ever held has no row.
--
-- $1 shards, as an array
select shard, counter, holder from leases where shard = any($1::integer[])
