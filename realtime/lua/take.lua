-- Takes tokens from a bucket, by the store's clock.
-- KEYS 1 b: hash t tokens, at ms
-- ARGV 1 tokens a second   2 burst   3 cost
-- Result granted (1 or 0), ms to wait
local rate, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 't', 'at')
local tokens = tonumber(held[1]) or burst
local elapsed = math.max(0, now - (tonumber(held[2]) or now))
tokens = math.min(burst, tokens + elapsed * rate / 1000)
local granted = tokens >= cost
if granted then tokens = tokens - cost end
redis.call('HSET', KEYS[1], 't', tostring(tokens), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
if granted then return {1, 0} end
return {0, math.ceil((cost - tokens) / rate * 1000)}
