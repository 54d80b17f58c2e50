#!lua flags=allow-oom
-- First on every connection: makes sure that no position and no coordinate is given twice, also when this Redis lacks its tail.
-- ARGV: the last position that this process has heard of, the incarnation that it knows (0 for none), one to begin if need be, a name
--       for this store if it has none
-- -> { the last position given, the present incarnation (0 before the first), the name of this store }
-- include common
-- include tell
local function info(section, name)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and string.match(text, name .. ':(%w+)') or ''
end
-- Changes whenever Redis starts, and whenever a replica becomes the master.
local life = info('server', 'run_id') .. info('replication', 'master_replid')
local state = call('HMGET', STATE, 'seq', 'incarnation', 'life')
local last, present = tonumber(state[1] or 0), tonumber(state[2] or 0)
local heard, known_one = tonumber(ARGV[1]), tonumber(ARGV[2])
local same = life ~= '' and life == state[3] and last >= heard and present >= known_one
call('HSETNX', STATE, 'instance', ARGV[4])
call('HSET', STATE, 'life', life, 'seq', int(math.max(last, heard)))
if not same and math.max(present, known_one) > 0 then
  present = math.max(tonumber(ARGV[3]), present + 1, known_one + 1)
  begin_incarnation(present)
end
return { int(last), int(present), instance() }
