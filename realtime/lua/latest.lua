-- Replaces a key's value and tells every process, unless its version is not newer.
-- KEYS 1 k: hash key, value   2 v: hash key, version
-- ARGV 1 key   2 version, '' for none   3 value   4 ttl, s   5 PUBLISH or SPUBLISH
--      6 bus   7 envelope   8 keys at most
-- Result 1; 0 for a version not newer; -1 for a key too many
if ARGV[2] ~= '' then
  local held = redis.call('HGET', KEYS[2], ARGV[1])
  if held and tonumber(held) >= tonumber(ARGV[2]) then return 0 end
end
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0
  and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[8]) then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[4])
end
redis.call(ARGV[5], ARGV[6], '0 - ' .. ARGV[7])
return 1
