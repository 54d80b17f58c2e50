-- Takes an entry from a client.
-- ARGV: kind, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a message), clock, origin
-- -> { 'created', n, position, watermark } | { 'known', n, origin, clock } | { 'message_expired' | 'channel_expired' }
-- include common
-- include log
local e = {
  kind = ARGV[1], id = ARGV[2], channel = ARGV[3], canonical = ARGV[4], sig = ARGV[5], sent = ARGV[6], expires = ARGV[7],
  idle = ARGV[8], clock = ARGV[9], origin = ARGV[10],
}
local first = known(e.id)
if first then
  if e.kind == 'g' and call('HEXISTS', channel_key(e.channel), 'e') == 1 then return { 'channel_expired' } end
  return { 'known', first.n, first.origin, first.clock }
end
local up_to
up_to, e.horizon, e.last = standing(e.origin)
if expired(e) then return { 'message_expired' } end
-- Would have expired although this was sent.
local state = activity(e.channel)
if state[3] and state[2] and tonumber(e.sent) + tonumber(state[2]) < e.horizon then return { 'channel_expired' } end
e.n = int(up_to + 1)
e.up_to, e.in_order = raise_watermark(e.origin, up_to + 1)
return { 'created', e.n, log(e, state), e.up_to }
