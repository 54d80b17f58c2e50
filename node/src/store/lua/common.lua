-- Put before each of the other scripts. KEYS[1] is the prefix of all keys, with a hash tag: what is built from it lies in one slot.
--
--   state    hash    seq: the last position given; horizon: time of the last purge, Unix ms, what expired before does not come in
--                    again; of each origin its watermark: all counts up to it are known
--   x:<origin>                 zset    counts known beyond the watermark
--   ids      hash    id -> kind|channel|position|origin|n|clock|aliases      kind m or g; aliases are origin,n;origin,n;...
--   expiry   zset    message ids by expiry
--   feed     hash    position modulo FEED_LENGTH -> id; what was logged last, over all channels
--   o:<origin>                 zset    by count: id; of an alias id|n|clock, of a reference id|n|
--   channels, idle             zsets   known channels by name; by time of expiry
--   hidden, doomed             zsets   expired channels by the time of the purge that found them so, or of the last one before a
--                                      message came that could not bring it back; those of them that have messages
--   c:<channel>                hash    l: last activity; e: hidden since; of the genesis g: 1, b: canonical, s: sig, o: origin, n,
--                                      a: clock, t: createdAt, x: expiresAt, d: idle time; of each origin its watermark when a
--                                      message of this channel last came
--   c:<channel>:log            stream  <position>-0: i: id, b: canonical, s: sig, o: origin, n, a: clock, w: the origin's watermark
--                                      right after, t: sentAt, x: expiresAt
--   c:<channel>:o:<origin>     zset    by count: position; where others came ahead position|watermark|first, first being the lowest
--                                      position of this count and all higher ones
--   c:<channel>:a:<origin>     zset    counts that came ahead of that watermark
--   c:<channel>:p              hash    origin -> a purged count up to which nothing is kept
--   c:<channel>:b:<origin>     zset    purged counts beyond that, with others below them that are kept or may still come
local prefix, call = KEYS[1], redis.call
local STATE, IDS, EXPIRY = prefix .. 'state', prefix .. 'ids', prefix .. 'expiry'
local CHANNELS, IDLE, HIDDEN, DOOMED = prefix .. 'channels', prefix .. 'idle', prefix .. 'hidden', prefix .. 'doomed'
local FEED_LENGTH = 16384
local MAX_EXCEPTIONS = 1024

-- tostring() would write large numbers with an exponent.
local function int(x) return string.format('%.0f', x) end
local function channel_key(channel) return prefix .. 'c:' .. channel end

local function raise(hash, origin, n)
  if tonumber(call('HGET', hash, origin) or 0) < tonumber(n) then call('HSET', hash, origin, n) end
end

-- An origin's watermark, the horizon and the last position.
local function standing(origin)
  local state = call('HMGET', STATE, origin, 'horizon', 'seq')
  return tonumber(state[1] or 0), tonumber(state[2] or 0), tonumber(state[3] or 0)
end

-- Raises a watermark to a count and on over those known right after it.
-- -> it, to be saved, and whether none beyond it was known
local function raise_watermark(origin, n)
  local beyond = prefix .. 'x:' .. origin
  if call('EXISTS', beyond) == 0 then return int(n), true end
  local next = call('ZRANGE', beyond, 0, 0)[1]
  while next and tonumber(next) == n + 1 do
    n = n + 1
    call('ZREM', beyond, next)
    next = call('ZRANGE', beyond, 0, 0)[1]
  end
  return int(n), false
end

-- Notes counts from..to of an origin, or nothing. The watermark is to be saved.
-- -> its watermark then, and whether they came in order: right after all others; or nil, and 'known' or 'refused'
local function note(origin, up_to, from, to)
  local beyond = prefix .. 'x:' .. origin
  if to <= up_to then return nil, 'known' end
  if from <= up_to + 1 then
    if to > up_to + 1 then call('ZREMRANGEBYSCORE', beyond, '-inf', to) end
    return raise_watermark(origin, to)
  end
  local added = to - from + 1 - call('ZCOUNT', beyond, from, to)
  if added == 0 then return nil, 'known' end
  if call('ZCARD', beyond) + added > MAX_EXCEPTIONS then return nil, 'refused' end
  for n = from, to do call('ZADD', beyond, n, n) end
  return int(up_to), false
end

-- The first coordinate of an id, and its further ones as text; nil for an unknown id.
local function known(id)
  local value = call('HGET', IDS, id)
  if not value then return nil end
  local kind, channel, position, origin, n, clock, aliases =
    string.match(value, '^(.)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return { id = id, kind = kind, channel = channel, position = position, origin = origin, n = n, clock = clock, aliases = aliases }
end

local function remember(e)
  local value = table.concat({ e.kind, e.channel, e.position, e.origin, e.n, e.clock, e.aliases }, '|')
  call('HSET', IDS, e.id, value)
end

local function expired(e) return e.kind == 'm' and tonumber(e.expires) < e.horizon end

-- Last activity, idle time and when it was hidden, of a channel.
local function activity(channel) return call('HMGET', channel_key(channel), 'l', 'd', 'e') end

-- Notes a coordinate of a channel (of e: origin, n, up_to) that did not come in order.
local function note_ahead(channel, e)
  local ahead = channel_key(channel) .. ':a:' .. e.origin
  call('ZREMRANGEBYSCORE', ahead, '-inf', e.up_to)
  if tonumber(e.n) > tonumber(e.up_to) then call('ZADD', ahead, e.n, e.n) end
end

-- Moves a channel's live end on over a coordinate of which no message is logged.
local function advance(channel, e)
  call('HSET', channel_key(channel), e.origin, e.up_to)
  if not e.in_order then note_ahead(channel, e) end
end

-- Where the message is looked up that was logged last.
local function index(e)
  local counts, place = channel_key(e.channel) .. ':o:' .. e.origin, e.position
  if not e.in_order then
    local above = call('ZRANGEBYSCORE', counts, '(' .. e.n, '+inf', 'LIMIT', 0, 1)[1]
    place = table.concat({ e.position, e.up_to, above and string.match(above, '%d+$') or e.position }, '|')
  end
  call('ZADD', counts, e.n, place)
end

-- Logs an entry at its coordinate and saves its origin's watermark. Returns its position. `state` is the activity of its channel.
local function log(e, state)
  local key = channel_key(e.channel)
  e.position = int(e.last + 1)
  call('HSET', STATE, 'seq', e.position, e.origin, e.up_to)
  e.aliases = ''
  call('HSET', prefix .. 'feed', int(e.position % FEED_LENGTH), e.id)
  call('ZADD', prefix .. 'o:' .. e.origin, e.n, e.id)
  remember(e)
  local last, idle = tonumber(state[1] or 0), tonumber(state[2] or nil)
  local active = math.max(last, tonumber(e.sent))
  if e.kind == 'g' then
    idle = tonumber(e.idle)
    call('HSET', key, 'l', int(active), 'g', 1, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n, 'a', e.clock,
      't', e.sent, 'x', e.expires, 'd', e.idle)
    call('ZADD', CHANNELS, 0, e.channel)
  else
    call('HSET', key, 'l', int(active), e.origin, e.up_to)
    call('ZADD', EXPIRY, e.expires, e.id)
    call('XADD', key .. ':log', e.position .. '-0', 'i', e.id, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n,
      'a', e.clock, 'w', e.up_to, 't', e.sent, 'x', e.expires)
    index(e)
    if not e.in_order then note_ahead(e.channel, e) end
  end
  if state[3] and e.kind == 'm' and idle and active + idle < e.horizon then
    call('HSET', key, 'e', int(e.horizon))
    call('ZADD', HIDDEN, e.horizon, e.channel)
    call('ZADD', DOOMED, e.horizon, e.channel)
    return e.position
  end
  if state[3] then
    call('HDEL', key, 'e')
    call('ZREM', HIDDEN, e.channel)
    call('ZREM', DOOMED, e.channel)
    if idle then call('ZADD', CHANNELS, 0, e.channel) end
  end
  if idle and (active > last or state[3] or e.kind == 'g') then call('ZADD', IDLE, int(active + idle), e.channel) end
  return e.position
end

-- Up to where all of a channel's counts of an origin are known and none is kept: reading from there misses nothing.
local function empty_up_to(key, origin)
  local first = call('ZRANGE', key .. ':o:' .. origin, 0, 0, 'WITHSCORES')[2]
  return math.min(standing(origin), first and tonumber(first) - 1 or math.huge)
end

-- Records that a count of a channel (of e: origin, n) is no longer kept.
local function remember_purged(channel, e)
  local key = channel_key(channel)
  local beyond, up_to = key .. ':b:' .. e.origin, empty_up_to(key, e.origin)
  if tonumber(e.n) > up_to then
    if call('ZCARD', beyond) < MAX_EXCEPTIONS then call('ZADD', beyond, e.n, e.n) end
    return
  end
  local last = call('ZREVRANGEBYSCORE', beyond, up_to, '-inf', 'LIMIT', 0, 1)[1]
  raise(key .. ':p', e.origin, int(math.max(tonumber(e.n), tonumber(last or 0))))
  call('ZREMRANGEBYSCORE', beyond, '-inf', up_to)
end

-- Whether a field of a channel's hash is an origin's.
local function is_origin(field) return string.find(field, '-', 1, true) end
