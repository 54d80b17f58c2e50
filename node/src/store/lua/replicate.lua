-- Takes an entry from a peer.
-- ARGV: <instance>:<process>, the last position that it has heard of, then
--       origin, n, kind: 'gone', from
--       origin, n, kind: 'reference', id
--       origin, n, kind: m or g, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a message), clock
-- -> { 'known' } | { 'refused' } | { 'stored' } | { 'stored', position, watermark } when it was logged
--    | { 'behind' } when the tail is lost
-- include common
-- include watermark
-- include note
-- include known
local process, heard, origin, n, kind, id, channel, canonical, sig, sent, expires, idle, clock = unpack(ARGV)
-- include standing
if tonumber(seq or 0) < tonumber(heard) then return { 'behind' } end
local from = kind == 'gone' and id or n
local up_to, in_order = note(origin, tonumber(watermark or 0), tonumber(from), tonumber(n))
if not up_to then return { in_order } end

local first = kind ~= 'gone' and known(id)
if not first and (kind == 'g' or kind == 'm' and tonumber(expires) >= tonumber(horizon or 0)) then
  local key = channel_key(channel)
  -- include activity
  -- include log
  return { 'stored', position, up_to }
end

-- include gone
-- Moves a channel's live end on over a coordinate of which no message is logged.
local function advance(channel)
  local key = channel_key(channel)
  call('HSET', key, origin, up_to)
  if not in_order then
    -- include ahead
  end
end

call('HSET', STATE, origin, up_to)
if first then
  -- Each is written with all before it: of more it is known only that they were counted.
  if #first.aliases < MAX_ALIASES_BYTES then
    call('HSET', IDS, id, first.value .. origin .. ',' .. n .. ';')
    call('ZADD', prefix .. 'o:' .. origin, n, id .. '|' .. n .. '|' .. (clock or ''))
  end
  if first.kind == 'm' then advance(first.channel) end
elseif kind == 'm' and call('EXISTS', channel_key(channel)) == 1 then
  advance(channel)
  remember_purged(channel, { origin = origin, n = n })
end
return { 'stored' }
