-- Brings a stream's total up to what one tally has counted; again adds nothing.
-- KEYS 1 hash: total, tally → its sum
-- ARGV 1 tally   2 its sum   3 its sum in "total to start from"   4 total to start from
--      5 seconds to keep
-- Result total
local seen = redis.call('HGET', KEYS[1], ARGV[1]) or ARGV[3]
redis.call('HSETNX', KEYS[1], 'total', ARGV[4])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return redis.call('HINCRBY', KEYS[1], 'total', ARGV[2] - seen)
