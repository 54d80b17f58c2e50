-- Takes an entry from a client.
-- ARGV: the last position that this process has heard of; kind, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a
--       message), clock; server, incarnation, 1 if that may begin now
-- -> { 'created', n, clock, position, watermark } | { 'known', n, origin, clock } | { 'message_expired' | 'channel_expired' }
--    | { 'stale', the present incarnation } | { 'behind' } when the tail is lost
-- include common
-- include log
local e = {
  kind = ARGV[2], id = ARGV[3], channel = ARGV[4], canonical = ARGV[5], sig = ARGV[6], sent = ARGV[7], expires = ARGV[8],
  idle = ARGV[9], origin = ARGV[11] .. '-' .. ARGV[12],
}
local up_to, present, last_clock
up_to, e.horizon, e.last, e.together, present, last_clock = standing(e.origin)
if e.last < tonumber(ARGV[1]) then return { 'behind' } end
local first = known(e.id)
if first then
  if e.kind == 'g' and call('HEXISTS', channel_key(e.channel), 'e') == 1 then return { 'channel_expired' } end
  return { 'known', first.n, first.origin, first.clock }
end
if expired(e) then return { 'message_expired' } end
-- Would have expired although this was sent.
local state = activity(e.channel)
if state[3] and state[2] and tonumber(e.sent) + tonumber(state[2]) < e.horizon then return { 'channel_expired' } end
local given = tonumber(ARGV[12])
if given ~= present then
  if given < present or ARGV[13] ~= '1' then return { 'stale', int(present) } end
  begin_incarnation(given)
end
e.n = int(up_to + 1)
e.up_to, e.in_order = raise_watermark(e.origin, up_to + 1)
-- Whoever gives it: an origin's clock never goes back or stands still.
e.clock, e.own = int(math.max(tonumber(ARGV[10]), last_clock + 1)), true
return { 'created', e.n, e.clock, log(e, state), e.up_to }
