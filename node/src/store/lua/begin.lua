#!lua flags=allow-oom
-- Begins an incarnation, unless a later one has begun. ARGV: it
-- -> the present one
-- include common
-- include tell
local present = math.max(tonumber(call('HGET', STATE, 'incarnation') or 0), tonumber(ARGV[1]))
begin_incarnation(present)
return int(present)
