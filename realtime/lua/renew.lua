-- Ends an epoch whose offsets went backwards (a failover lost writes): compare and set.
-- KEYS 1 m: hash e epoch, o offset
-- ARGV 1 stale epoch   2 fresh epoch   3 ttl of m, s
-- Result the epoch in force
local epoch = redis.call('HGET', KEYS[1], 'e')
if epoch and epoch ~= ARGV[1] then return epoch end
redis.call('HSET', KEYS[1], 'e', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return ARGV[2]
