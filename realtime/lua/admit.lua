-- Admits a command under its id once, and only if every bucket has a token for it.
-- KEYS 1 a: hash d digest, r answer   2… b: hash t tokens, at ms
-- ARGV 1 digest   2 ms to hold   3… tokens a second and burst of each bucket
-- Result {new} | {answer, bytes} | {pending} | {reused} | {wait, ms}
local known = redis.call('HMGET', KEYS[1], 'd', 'r')
if known[1] then
  if known[1] ~= ARGV[1] then return {'reused'} end
  if known[2] then return {'answer', known[2]} end
  return {'pending'}
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local left, wait = {}, 0
for i = 2, #KEYS do
  local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local held = redis.call('HMGET', KEYS[i], 't', 'at')
  local elapsed = math.max(0, now - (tonumber(held[2]) or now))
  left[i] = math.min(burst, (tonumber(held[1]) or burst) + elapsed * rate / 1000) - 1
  if left[i] < 0 then wait = math.max(wait, math.ceil(-left[i] / rate * 1000)) end
end
if wait > 0 then return {'wait', wait} end
for i = 2, #KEYS do
  local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  redis.call('HSET', KEYS[i], 't', tostring(left[i]), 'at', now)
  redis.call('PEXPIRE', KEYS[i], math.ceil(burst / rate * 1000) + 1000)
end
redis.call('HSET', KEYS[1], 'd', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {'new'}
