-- Tells the first and the last entry of a shard's log, as of one instant.
--
-- When allowed: always; reads only.
-- KEYS[1]  the shard's stream
-- Out: {first id, last id}; {`0-0`, `0-0`} where the stream is empty or absent
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
if not first then
  return {'0-0', '0-0'}
end
return {first[1], redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1][1]}
