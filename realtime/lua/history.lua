-- Reads a channel's position and some of its history; makes the epoch if there is none,
-- so that a reader of an empty channel can recover later.
-- KEYS 1 m: hash e epoch, o offset   2 h: history
-- ARGV 1 offset to read beyond, '' for an end   2 limit   3 1: newest first
--      4 fresh epoch   5 ttl of m, s
-- Result epoch, offset, entries
redis.call('HSETNX', KEYS[1], 'e', ARGV[4])
redis.call('EXPIRE', KEYS[1], ARGV[5])
local epoch = redis.call('HGET', KEYS[1], 'e')
local offset = redis.call('HGET', KEYS[1], 'o') or '0'
local entries = {}
if ARGV[2] ~= '0' and offset ~= '0' then
  if ARGV[3] == '1' then
    local last = ARGV[1] == '' and '+' or '(' .. ARGV[1] .. '-0'
    entries = redis.call('XREVRANGE', KEYS[2], last, '-', 'COUNT', ARGV[2])
  else
    local first = ARGV[1] == '' and '-' or '(' .. ARGV[1] .. '-0'
    entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', ARGV[2])
  end
end
return {epoch, tonumber(offset), entries}
