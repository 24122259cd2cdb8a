-- Drops the entries of a shard's log below one that stays.
--
-- When allowed: the entry that is to stay stands in the log. Where it does not (the tail was lost, or the id is
-- wrong), nothing is dropped: XTRIM by itself would empty the stream.
-- KEYS[1]  the shard's stream
-- ARGV[1]  the id of the first entry to keep
-- Out: the number of entries dropped
if #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]) == 0 then
  return 0
end
return redis.call('XTRIM', KEYS[1], 'MINID', '=', ARGV[1])
