#!lua flags=allow-oom
-- Counts up a shard's lease, if it still stands as its holder knows it (A5).
--
-- When allowed: by the holder.
-- On a full Redis too: reads go by the lease, and only an owner makes room.
-- KEYS[1]  the shard's lease
-- ARGV[1]  the counter as the holder knows it
-- ARGV[2]  the holder
-- Out: the new counter; 0: the lease stands otherwise, nothing was written
local lease = redis.call('HMGET', KEYS[1], 'counter', 'holder')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then
  return 0
end
return redis.call('HINCRBY', KEYS[1], 'counter', 1)
