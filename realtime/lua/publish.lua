-- Gives a publication its offset, keeps it, and tells every process.
-- KEYS 1 m: hash e epoch, o offset   2 h: history   3 position given to this outbox row
-- ARGV 1 envelope   2 size   3 ttl of h, s   4 fresh epoch   5 PUBLISH or SPUBLISH
--      6 bus   7 ttl of KEYS 3, s; 0: not an outbox row   8 ttl of m, s
-- Result "offset epoch"; a row seen before gets its position again, and nothing is sent.
if ARGV[7] ~= '0' then
  local seen = redis.call('GET', KEYS[3])
  if seen then return seen end
end
redis.call('HSETNX', KEYS[1], 'e', ARGV[4])
local epoch = redis.call('HGET', KEYS[1], 'e')
local offset = redis.call('HINCRBY', KEYS[1], 'o', 1)
redis.call('EXPIRE', KEYS[1], ARGV[8])
if offset == 1 then redis.call('DEL', KEYS[2]) end
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[2], offset .. '-0', 'd', ARGV[1])
redis.call('EXPIRE', KEYS[2], ARGV[3])
local position = offset .. ' ' .. epoch
redis.call(ARGV[5], ARGV[6], position .. ' ' .. ARGV[1])
if ARGV[7] ~= '0' then redis.call('SET', KEYS[3], position, 'EX', ARGV[7]) end
return position
