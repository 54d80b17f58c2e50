#!lua flags=allow-oom
-- Says that a process of this server is alive. It goes on to lead, or begins to when nobody does.
-- ARGV: the process, milliseconds that this holds, the term that it leads in (0 for none), the latest term that it knows of, where
--       the others find it ('' for nowhere), 1 if scripts are to tell the others what is logged
-- -> { who leads, in which term, where it is, how many processes are alive, the last position given, the present incarnation }
-- include common
-- include tell
local ROSTER, LEAD = prefix .. 'roster', prefix .. 'lead'
local process, term, address = ARGV[1], ARGV[3], ARGV[5]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local until_ms = int(now + tonumber(ARGV[2]))
call('ZREMRANGEBYSCORE', ROSTER, '-inf', int(now))
call('ZADD', ROSTER, until_ms, process)
local count = call('ZCARD', ROSTER)
if count > 1 and ARGV[6] == '1' then
  local store, together = instance(), {}
  for i, other in ipairs(call('ZRANGE', ROSTER, 0, -1)) do together[i] = store .. ':' .. other end
  call('HSET', STATE, 'together', table.concat(together, ' '))
else call('HDEL', STATE, 'together') end
local lead = call('HMGET', LEAD, 'process', 'term', 'address', 'until')
local leads = lead[1] == process and lead[2] == term
if not leads and tonumber(lead[4] or 0) <= now then
  leads, term = true, int(math.max(tonumber(lead[2] or 0), tonumber(ARGV[4])) + 1)
end
if leads then
  call('HSET', LEAD, 'process', process, 'term', term, 'address', address, 'until', until_ms)
  lead = { process, term, address }
end
local state = call('HMGET', STATE, 'seq', 'incarnation')
return { lead[1], lead[2], lead[3], count, state[1] or '0', state[2] or '0' }
