-- Tells what one process sees of a channel, and adds up what all of them see.
-- KEYS 1 n: hash process, connections   2 p: hash process, last seen, s
--      3 u: HyperLogLog of users
-- ARGV 1 process, '' only to read   2 its connections   3 a process's silence at most, s
--      4 ttl, s   5… users new since the last call
-- Result connections of all, unique users of about the last ttl
local now = tonumber(redis.call('TIME')[1])
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('HSET', KEYS[2], ARGV[1], now)
  for i = 1, 2 do redis.call('EXPIRE', KEYS[i], ARGV[4]) end
end
for i = 5, #ARGV, 1000 do
  redis.call('PFADD', KEYS[3], unpack(ARGV, i, math.min(i + 999, #ARGV)))
  redis.call('EXPIRE', KEYS[3], ARGV[4])
end
local clients, seen = 0, redis.call('HGETALL', KEYS[2])
for i = 1, #seen, 2 do
  if now - tonumber(seen[i + 1]) > tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], seen[i])
    redis.call('HDEL', KEYS[2], seen[i])
  else
    clients = clients + tonumber(redis.call('HGET', KEYS[1], seen[i]) or 0)
  end
end
return {clients, redis.call('PFCOUNT', KEYS[3])}
