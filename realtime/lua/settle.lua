-- Keeps the answer of an admitted command for whoever sends it again.
-- KEYS 1 a: hash d digest, r answer
-- ARGV 1 digest   2 answer   3 seconds to keep it
-- Result 1; 0 when the id stands for another digest
local digest = redis.call('HGET', KEYS[1], 'd')
if digest and digest ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'd', ARGV[1], 'r', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
