-- Takes an entry from a peer, in the order of its origin.
-- ARGV: origin, n, kind: 'gone'
--       origin, n, kind: 'reference', id
--       origin, n, kind: m or g, id, channel, canonical, sig, sentAt, expiresAt, idle time ('' of a message), acceptedAt
-- -> { 'gap' } | { 'known' } | { 'stored' } | { 'stored', position } when it was logged
local origin, n, kind, id = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local up_to = tonumber(redis.call('HGET', ORIGINS, origin) or 0)
if tonumber(n) <= up_to then return { 'known' } end
if tonumber(n) > up_to + 1 and kind ~= 'gone' then return { 'gap' } end
redis.call('HSET', ORIGINS, origin, n)
if kind == 'gone' then return { 'stored' } end

local first = known(id)
if first then
  local accepted = kind == 'reference' and '' or ARGV[11]
  first.aliases = first.aliases .. origin .. ',' .. n .. ';'
  remember(first)
  redis.call('XADD', prefix .. 'o:' .. origin, n .. '-0', 'i', id, 'a', accepted)
  if first.kind == 'm' then raise(channel_key(first.channel) .. ':v', origin, n) end
  return { 'stored' }
end
if kind == 'reference' then return { 'stored' } end

local e = {
  kind = kind, id = id, channel = ARGV[5], canonical = ARGV[6], sig = ARGV[7], sent = ARGV[8], expires = ARGV[9],
  idle = ARGV[10], origin = origin, n = n, accepted = ARGV[11],
}
if expired(e) then
  local key = channel_key(e.channel)
  if redis.call('EXISTS', key) == 1 then
    raise(key .. ':v', origin, n)
    remember_purged(e.channel, origin, n)
  end
  return { 'stored' }
end
return { 'stored', log(e) }
