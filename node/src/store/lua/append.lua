-- Takes an entry from a client.
-- ARGV: <instance>:<process>, the last position that it has heard of; kind, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a
--       message), clock; server, incarnation, 1 if that may begin now
-- -> { 'created', n, clock, position, watermark } | { 'known', n, origin, clock } | { 'message_expired' | 'channel_expired' }
--    | { 'stale', the present incarnation } | { 'behind' } when the tail is lost
-- include common
-- include watermark
local kind, id, channel, canonical, sig, sent, expires, idle, clock, server, incarnation, begins = unpack(ARGV, 3)
local process, key, origin = ARGV[1], channel_key(channel), server .. '-' .. incarnation
-- include standing
if tonumber(seq or 0) < tonumber(ARGV[2]) then return { 'behind' } end
if call('HEXISTS', IDS, id) == 1 then
  if kind == 'g' and call('HEXISTS', key, 'e') == 1 then return { 'channel_expired' } end
  -- include known
  local first = known(id)
  return { 'known', first.n, first.origin, first.clock }
end
if kind == 'm' and tonumber(expires) < tonumber(horizon or 0) then return { 'message_expired' } end
-- include activity
-- Would have expired although this was sent.
if hidden and idle_time and sent + idle_time < tonumber(horizon or 0) then return { 'channel_expired' } end
local given, current = tonumber(incarnation), tonumber(present or 0)
if given ~= current then
  if given < current or begins ~= '1' then return { 'stale', int(current) } end
  -- include tell
  begin_incarnation(given)
end
local n = int((watermark or 0) + 1)
local up_to, in_order = raise_watermark(origin, tonumber(n))
-- Whoever gives it: an origin's clock never goes back or stands still.
clock = int(math.max(tonumber(clock), (last_clock or 0) + 1))
last_clock = clock
-- include log
return { 'created', n, clock, position, up_to }
