-- Appends one entry to a shard's log, if the log's top is exactly the entry named (A3).
--
-- When allowed: always; two callers that name the same top cannot both be taken.
-- KEYS[1]  the shard's stream
-- ARGV[1]  the id of the entry that must be the top; `0-0`: the stream must be empty or absent
-- ARGV[2]  the id of the new entry, above the top
-- ARGV[3]  its payload
-- Out: {1, new id}  taken
--      {0, top}     refused, nothing was written: the top is another entry (`0-0`: there is none)
--      an error     nothing was written: the one write comes last
--
-- The top is read from the entries, not from the stream's last-generated-id, so that what a cut-off tail or a
-- careless XDEL took away is not taken for present.
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local top = last and last[1] or '0-0'
if top ~= ARGV[1] then
  return {0, top}
end
return {1, redis.call('XADD', KEYS[1], ARGV[2], 'p', ARGV[3])}
