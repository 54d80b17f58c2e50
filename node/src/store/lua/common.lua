-- Put before each of the other scripts. KEYS[1] is the prefix of all keys, with a hash tag: what is built from it lies in one slot.
--
--   state    hash    seq: the last position given; horizon: time of the last purge, Unix ms
--   origins  hash    origin -> its watermark: all counts up to it are known
--   x:<origin>                 zset    counts known beyond the watermark
--   ids      hash    id -> kind|channel|position|origin|n|clock|aliases      kind m or g; aliases are origin,n;origin,n;...
--   expiry   zset    message ids by expiry
--   feed     stream  <position>-0: i = id; what was logged last, over all channels
--   o:<origin>                 zset    by count: id; of an alias id|n|clock, of a reference id|n|
--   channels, idle             zsets   known channels by name; by time of expiry
--   hidden, doomed             zsets   expired channels by the time of the purge that found them so, or of the last one before a
--                                      message came that could not bring it back; those of them that have messages
--   c:<channel>                hash    l: last activity; e: hidden since; of the genesis g: 1, b: canonical, s: sig, o: origin, n,
--                                      a: clock, t: createdAt, x: expiresAt, d: idle time
--   c:<channel>:log            stream  <position>-0: i: id, b: canonical, s: sig, o: origin, n, a: clock, w: the origin's watermark
--                                      right after, t: sentAt, x: expiresAt
--   c:<channel>:o:<origin>     zset    by count: position; where others came ahead position|watermark|first, first being the lowest
--                                      position of this count and all higher ones
--   c:<channel>:v              hash    origin -> its watermark when the last message was logged
--   c:<channel>:a:<origin>     zset    counts logged ahead of that watermark
--   c:<channel>:p              hash    origin -> a purged count up to which nothing is kept
--   c:<channel>:b:<origin>     zset    purged counts beyond that, with others below them that are kept or may still come
local prefix = KEYS[1]
local STATE, ORIGINS, IDS, EXPIRY = prefix .. 'state', prefix .. 'origins', prefix .. 'ids', prefix .. 'expiry'
local CHANNELS, IDLE, HIDDEN, DOOMED = prefix .. 'channels', prefix .. 'idle', prefix .. 'hidden', prefix .. 'doomed'
local FEED_LENGTH = 16384
local MAX_EXCEPTIONS = 1024

-- tostring() would write large numbers with an exponent.
local function int(x) return string.format('%.0f', x) end
local function channel_key(channel) return prefix .. 'c:' .. channel end

local function raise(hash, origin, n)
  if tonumber(redis.call('HGET', hash, origin) or 0) < tonumber(n) then redis.call('HSET', hash, origin, n) end
end

-- Up to where all counts of an origin are known.
local function watermark(origin) return tonumber(redis.call('HGET', ORIGINS, origin) or 0) end

-- Raises a watermark to a count and on over those known right after it. -> it, and whether none beyond it was known
local function raise_watermark(origin, n)
  local beyond = prefix .. 'x:' .. origin
  local next = redis.call('ZRANGE', beyond, 0, 0)[1]
  local in_order = not next
  while next and tonumber(next) == n + 1 do
    n = n + 1
    redis.call('ZREM', beyond, next)
    next = redis.call('ZRANGE', beyond, 0, 0)[1]
  end
  redis.call('HSET', ORIGINS, origin, int(n))
  return int(n), in_order
end

-- Notes counts from..to of an origin, or nothing.
-- -> its watermark, and whether they came in order: right after all others; or nil, and 'known' or 'refused'
local function note(origin, from, to)
  local up_to, beyond = watermark(origin), prefix .. 'x:' .. origin
  if to <= up_to then return nil, 'known' end
  if from <= up_to + 1 then
    if to > up_to + 1 then redis.call('ZREMRANGEBYSCORE', beyond, '-inf', to) end
    return raise_watermark(origin, to)
  end
  local added = to - from + 1 - redis.call('ZCOUNT', beyond, from, to)
  if added == 0 then return nil, 'known' end
  if redis.call('ZCARD', beyond) + added > MAX_EXCEPTIONS then return nil, 'refused' end
  for n = from, to do redis.call('ZADD', beyond, n, n) end
  redis.call('HSETNX', ORIGINS, origin, 0)
  return int(up_to), false
end

-- The first coordinate of an id, and its further ones as text; nil for an unknown id.
local function known(id)
  local value = redis.call('HGET', IDS, id)
  if not value then return nil end
  local kind, channel, position, origin, n, clock, aliases =
    string.match(value, '^(.)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return { id = id, kind = kind, channel = channel, position = position, origin = origin, n = n, clock = clock, aliases = aliases }
end

local function remember(e)
  local value = table.concat({ e.kind, e.channel, e.position, e.origin, e.n, e.clock, e.aliases }, '|')
  redis.call('HSET', IDS, e.id, value)
end

-- Time of the last purge: what expired before it does not come in again.
local function horizon() return tonumber(redis.call('HGET', STATE, 'horizon') or 0) end

local function expired(e) return e.kind == 'm' and tonumber(e.expires) < horizon() end

-- Moves a channel's live end on over a coordinate (of e: origin, n, up_to, in_order).
local function advance(channel, e)
  local key = channel_key(channel)
  redis.call('HSET', key .. ':v', e.origin, e.up_to)
  if e.in_order then return end
  local ahead = key .. ':a:' .. e.origin
  redis.call('ZREMRANGEBYSCORE', ahead, '-inf', e.up_to)
  if tonumber(e.n) > tonumber(e.up_to) then redis.call('ZADD', ahead, e.n, e.n) end
end

-- Where the message is looked up that was logged last.
local function index(e)
  local counts, place = channel_key(e.channel) .. ':o:' .. e.origin, e.position
  if not e.in_order then
    local above = redis.call('ZRANGEBYSCORE', counts, '(' .. e.n, '+inf', 'LIMIT', 0, 1)[1]
    place = table.concat({ e.position, e.up_to, above and string.match(above, '%d+$') or e.position }, '|')
  end
  redis.call('ZADD', counts, e.n, place)
end

-- Logs an entry at its coordinate, once that is noted, and returns its position.
local function log(e)
  local key = channel_key(e.channel)
  e.position = int(redis.call('HINCRBY', STATE, 'seq', 1))
  e.aliases = ''
  redis.call('XADD', prefix .. 'feed', 'MAXLEN', '~', FEED_LENGTH, e.position .. '-0', 'i', e.id)
  redis.call('ZADD', prefix .. 'o:' .. e.origin, e.n, e.id)
  remember(e)
  local state = redis.call('HMGET', key, 'l', 'd', 'e')
  local last, idle = tonumber(state[1] or 0), tonumber(state[2] or nil)
  if e.kind == 'g' then
    idle = tonumber(e.idle)
    redis.call('HSET', key, 'g', 1, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n, 'a', e.clock,
      't', e.sent, 'x', e.expires, 'd', e.idle)
    redis.call('ZADD', CHANNELS, 0, e.channel)
  else
    redis.call('ZADD', EXPIRY, e.expires, e.id)
    redis.call('XADD', key .. ':log', e.position .. '-0', 'i', e.id, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n,
      'a', e.clock, 'w', e.up_to, 't', e.sent, 'x', e.expires)
    index(e)
    advance(e.channel, e)
  end
  local active = math.max(last, tonumber(e.sent))
  if active > last or not state[1] then redis.call('HSET', key, 'l', int(active)) end
  if state[3] and e.kind == 'm' and idle and active + idle < horizon() then
    redis.call('HSET', key, 'e', int(horizon()))
    redis.call('ZADD', HIDDEN, int(horizon()), e.channel)
    redis.call('ZADD', DOOMED, int(horizon()), e.channel)
    return e.position
  end
  if state[3] then
    redis.call('HDEL', key, 'e')
    redis.call('ZREM', HIDDEN, e.channel)
    redis.call('ZREM', DOOMED, e.channel)
    if idle then redis.call('ZADD', CHANNELS, 0, e.channel) end
  end
  if idle and (active > last or state[3] or e.kind == 'g') then redis.call('ZADD', IDLE, int(active + idle), e.channel) end
  return e.position
end

-- Up to where all of a channel's counts of an origin are known and none is kept: reading from there misses nothing.
local function empty_up_to(key, origin)
  local first = redis.call('ZRANGE', key .. ':o:' .. origin, 0, 0, 'WITHSCORES')[2]
  return math.min(watermark(origin), first and tonumber(first) - 1 or math.huge)
end

-- Records that a count of a channel is no longer kept.
local function remember_purged(channel, origin, n)
  local key = channel_key(channel)
  local beyond, up_to = key .. ':b:' .. origin, empty_up_to(key, origin)
  if tonumber(n) > up_to then
    if redis.call('ZCARD', beyond) < MAX_EXCEPTIONS then redis.call('ZADD', beyond, n, n) end
    return
  end
  local last = redis.call('ZREVRANGEBYSCORE', beyond, up_to, '-inf', 'LIMIT', 0, 1)[1]
  raise(key .. ':p', origin, int(math.max(tonumber(n), tonumber(last or 0))))
  redis.call('ZREMRANGEBYSCORE', beyond, '-inf', up_to)
end
