#!lua flags=allow-oom
-- A process of this server ends. ARGV: it, the term that it leads in (0 for none)
-- include common
-- include tell
local LEAD = prefix .. 'lead'
call('ZREM', prefix .. 'roster', ARGV[1])
local lead = call('HMGET', LEAD, 'process', 'term')
if lead[1] == ARGV[1] and lead[2] == ARGV[2] then
  call('HSET', LEAD, 'until', '0', 'address', '')
  tell('l')
end
