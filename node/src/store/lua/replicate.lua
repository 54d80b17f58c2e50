-- Takes an entry from a peer.
-- ARGV: the last position that this process has heard of, then
--       origin, n, kind: 'gone', from
--       origin, n, kind: 'reference', id
--       origin, n, kind: m or g, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a message), clock
-- -> { 'known' } | { 'refused' } | { 'stored' } | { 'stored', position, watermark } when it was logged
--    | { 'behind' } when the tail is lost
-- include common
-- include log
local e = {
  origin = ARGV[2], n = ARGV[3], kind = ARGV[4], id = ARGV[5], channel = ARGV[6], canonical = ARGV[7], sig = ARGV[8],
  sent = ARGV[9], expires = ARGV[10], idle = ARGV[11], clock = ARGV[12] or '',
}
local before
before, e.horizon, e.last, e.together = standing(e.origin)
if e.last < tonumber(ARGV[1]) then return { 'behind' } end
local from = e.kind == 'gone' and ARGV[5] or e.n
local up_to, how = note(e.origin, before, tonumber(from), tonumber(e.n))
if not up_to then return { how } end
e.up_to, e.in_order = up_to, how

local first = e.kind ~= 'gone' and known(e.id)
if not first and (e.kind == 'm' or e.kind == 'g') and not expired(e) then
  return { 'stored', log(e, activity(e.channel)), up_to }
end

-- include gone
-- Moves a channel's live end on over a coordinate of which no message is logged.
local function advance(channel, e)
  call('HSET', channel_key(channel), e.origin, e.up_to)
  if not e.in_order then note_ahead(channel, e) end
end

call('HSET', STATE, e.origin, up_to)
if first then
  -- Each is written with all before it: of more it is known only that they were counted.
  if #first.aliases < MAX_ALIASES_BYTES then
    first.aliases = first.aliases .. e.origin .. ',' .. e.n .. ';'
    remember(first)
    call('ZADD', prefix .. 'o:' .. e.origin, e.n, e.id .. '|' .. e.n .. '|' .. e.clock)
  end
  if first.kind == 'm' then advance(first.channel, e) end
elseif e.kind == 'm' and call('EXISTS', channel_key(e.channel)) == 1 then
  advance(e.channel, e)
  remember_purged(e.channel, e)
end
return { 'stored' }
