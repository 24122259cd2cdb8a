#!lua flags=allow-oom
-- Takes a shard's lease, if its counter is still the one that was seen (A5).
--
-- When allowed: always; the caller has waited until the lease could be called dead.
-- On a full Redis too: reads go by the lease, and only an owner makes room.
-- KEYS[1]  the shard's lease
-- ARGV[1]  the counter seen; 0: nobody ever held it
-- ARGV[2]  the new holder
-- Out: the new counter; 0: the lease is not as it was seen, nothing was written
local counter = redis.call('HGET', KEYS[1], 'counter') or '0'
if counter ~= ARGV[1] then
  return 0
end
local taken = tonumber(counter) + 1
redis.call('HSET', KEYS[1], 'counter', string.format('%.0f', taken), 'holder', ARGV[2])
return taken
