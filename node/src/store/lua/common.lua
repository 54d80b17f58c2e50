-- Put before each of the other scripts. KEYS[1] is the prefix of all keys, with a hash tag: what is built from it lies in one slot.
--
--   state    hash    seq: the last position given; horizon: time of the last purge, Unix ms
--   origins  hash    origin -> highest count taken (origins are taken in order)
--   ids      hash    id -> kind|channel|position|origin|n|acceptedAt|aliases      kind m or g; aliases are origin,n;origin,n;...
--   expiry   zset    message ids by expiry
--   feed     stream  <position>-0: i = id; what was logged last, over all channels
--   o:<origin>                 stream  <n>-0: i = id; of an alias also a = acceptedAt, empty for a reference
--   channels, idle             zsets   known channels by name; by time of expiry
--   hidden, doomed             zsets   expired channels by the time of the purge that found them so, or of the last one before a
--                                      message came that could not bring it back; those of them that have messages
--   c:<channel>                hash    l: last activity; e: hidden since; of the genesis g: 1, b: canonical, s: sig, o: origin, n,
--                                      a: acceptedAt, t: createdAt, x: expiresAt, d: idle time
--   c:<channel>:log            stream  <position>-0: i: id, b: canonical, s: sig, o: origin, n, a: acceptedAt, t: sentAt, x: expiresAt
--   c:<channel>:o:<origin>     stream  <n>-<position>
--   c:<channel>:v, :p          hashes  origin -> highest count logged; -> up to where nothing is kept
--   c:<channel>:b:<origin>     zset    purged counts with something kept below them
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

-- The first coordinate of an id, and its further ones as text; nil for an unknown id.
local function known(id)
  local value = redis.call('HGET', IDS, id)
  if not value then return nil end
  local kind, channel, position, origin, n, accepted, aliases =
    string.match(value, '^(.)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return {
    id = id, kind = kind, channel = channel, position = position, origin = origin, n = n, accepted = accepted, aliases = aliases,
  }
end

local function remember(e)
  local value = table.concat({ e.kind, e.channel, e.position, e.origin, e.n, e.accepted, e.aliases }, '|')
  redis.call('HSET', IDS, e.id, value)
end

-- Time of the last purge: what expired before it does not come in again.
local function horizon() return tonumber(redis.call('HGET', STATE, 'horizon') or 0) end

local function expired(e) return e.kind == 'm' and tonumber(e.expires) < horizon() end

-- Logs an entry at its coordinate and returns its position.
local function log(e)
  local key = channel_key(e.channel)
  e.position = int(redis.call('HINCRBY', STATE, 'seq', 1))
  e.aliases = ''
  redis.call('XADD', prefix .. 'feed', 'MAXLEN', '~', FEED_LENGTH, e.position .. '-0', 'i', e.id)
  redis.call('XADD', prefix .. 'o:' .. e.origin, e.n .. '-0', 'i', e.id)
  remember(e)
  local state = redis.call('HMGET', key, 'l', 'd', 'e')
  local last, idle = tonumber(state[1] or 0), tonumber(state[2] or nil)
  if e.kind == 'g' then
    idle = tonumber(e.idle)
    redis.call('HSET', key, 'g', 1, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n, 'a', e.accepted,
      't', e.sent, 'x', e.expires, 'd', e.idle)
    redis.call('ZADD', CHANNELS, 0, e.channel)
  else
    redis.call('ZADD', EXPIRY, e.expires, e.id)
    redis.call('XADD', key .. ':log', e.position .. '-0', 'i', e.id, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n,
      'a', e.accepted, 't', e.sent, 'x', e.expires)
    redis.call('XADD', key .. ':o:' .. e.origin, e.n .. '-' .. e.position, '', '')
    redis.call('HSET', key .. ':v', e.origin, e.n)
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

-- Records that a count of a channel is no longer kept. The watermark stays below what is kept: reading from there has to find it.
local function remember_purged(channel, origin, n)
  local key = channel_key(channel)
  local beyond = key .. ':b:' .. origin
  local first = redis.call('XRANGE', key .. ':o:' .. origin, '-', '+', 'COUNT', 1)[1]
  local first_kept = first and tonumber(string.match(first[1], '^%d+')) or math.huge
  if tonumber(n) > first_kept then
    if redis.call('ZCARD', beyond) < MAX_EXCEPTIONS then redis.call('ZADD', beyond, n, n) end
    return
  end
  local below = first_kept == math.huge and '+inf' or '(' .. int(first_kept)
  local last = redis.call('ZREVRANGEBYSCORE', beyond, below, '-inf', 'LIMIT', 0, 1)[1]
  raise(key .. ':p', origin, int(math.max(tonumber(n), tonumber(last or 0))))
  redis.call('ZREMRANGEBYSCORE', beyond, '-inf', below)
end
