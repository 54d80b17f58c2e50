-- First on every connection: makes sure that no position is given twice, also when Redis came back without its tail.
-- ARGV: the last position that this process has heard of
-- -> the last position given
-- include common
local last = call('HGET', STATE, 'seq') or '0'
if tonumber(last) < tonumber(ARGV[1]) then call('HSET', STATE, 'seq', ARGV[1]) end
return last
