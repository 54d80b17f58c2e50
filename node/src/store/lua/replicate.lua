-- Takes an entry from a peer.
-- ARGV: origin, n, kind: 'gone', from
--       origin, n, kind: 'reference', id
--       origin, n, kind: m or g, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a message), clock
-- -> { 'known' } | { 'refused' } | { 'stored' } | { 'stored', position, watermark } when it was logged
local origin, n, kind, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local from = kind == 'gone' and ARGV[4] or n
local up_to, how = note(origin, tonumber(from), tonumber(n))
if not up_to then return { how } end
if kind == 'gone' then return { 'stored' } end

local first = known(id)
if first then
  local clock = kind == 'reference' and '' or ARGV[11]
  first.aliases = first.aliases .. origin .. ',' .. n .. ';'
  remember(first)
  redis.call('ZADD', prefix .. 'o:' .. origin, n, id .. '|' .. n .. '|' .. clock)
  if first.kind == 'm' then advance(first.channel, { origin = origin, n = n, up_to = up_to, in_order = how }) end
  return { 'stored' }
end
if kind == 'reference' then return { 'stored' } end

local e = {
  kind = kind, id = id, channel = ARGV[5], canonical = ARGV[6], sig = ARGV[7], sent = ARGV[8], expires = ARGV[9],
  idle = ARGV[10], clock = ARGV[11], origin = origin, n = n, up_to = up_to, in_order = how,
}
if expired(e) then
  if redis.call('EXISTS', channel_key(e.channel)) == 1 then
    advance(e.channel, e)
    remember_purged(e.channel, origin, n)
  end
  return { 'stored' }
end
return { 'stored', log(e), up_to }
