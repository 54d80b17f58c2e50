-- Taking entries.
local FEED_LENGTH = 16384

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

local function remember(e)
  local value = table.concat({ e.kind, e.channel, e.position, e.origin, e.n, e.clock, e.aliases }, '|')
  call('HSET', IDS, e.id, value)
end

local function expired(e) return e.kind == 'm' and tonumber(e.expires) < e.horizon end

-- Last activity, idle time, when it was hidden, and bytes of messages, of a channel.
local function activity(channel) return call('HMGET', channel_key(channel), 'l', 'd', 'e', 'y') end

-- Notes a coordinate of a channel (of e: origin, n, up_to) that did not come in order.
local function note_ahead(channel, e)
  local ahead = channel_key(channel) .. ':a:' .. e.origin
  call('ZREMRANGEBYSCORE', ahead, '-inf', e.up_to)
  if tonumber(e.n) > tonumber(e.up_to) then call('ZADD', ahead, e.n, e.n) end
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

local function tell_others(e)
  if not e.together then return end
  tell(e.together, e.position, e.up_to, e.kind, e.origin, e.n, e.clock, e.id, e.channel, e.sig, e.sent, e.expires, e.canonical)
end

-- Logs an entry at its coordinate and saves its origin's watermark. Returns its position. `state` is the activity of its channel.
local function log(e, state)
  local key = channel_key(e.channel)
  e.position = int(e.last + 1)
  if e.own then call('HSET', STATE, 'seq', e.position, e.origin, e.up_to, 'clock', e.clock)
  else call('HSET', STATE, 'seq', e.position, e.origin, e.up_to) end
  e.aliases = ''
  call('HSET', prefix .. 'feed', int(e.position % FEED_LENGTH), e.id)
  call('ZADD', prefix .. 'o:' .. e.origin, e.n, e.id)
  remember(e)
  tell_others(e)
  local last, idle = tonumber(state[1] or 0), tonumber(state[2] or nil)
  local active = math.max(last, tonumber(e.sent))
  if e.kind == 'g' then
    idle = tonumber(e.idle)
    call('HSET', key, 'l', int(active), 'g', 1, 'b', e.canonical, 's', e.sig, 'o', e.origin, 'n', e.n, 'a', e.clock,
      't', e.sent, 'x', e.expires, 'd', e.idle)
    call('ZADD', CHANNELS, 0, e.channel)
  else
    local bytes = #e.canonical
    call('HSET', key, 'l', int(active), e.origin, e.up_to, 'y', int(tonumber(state[4] or 0) + bytes))
    call('HINCRBY', STATE, 'messages', 1)
    call('HINCRBY', STATE, 'bytes', bytes)
    call('ZADD', ORDER, e.position, e.id .. '|' .. bytes .. (e.expires == NEVER and '|k' or ''))
    if e.expires == NEVER then
      call('ZADD', key .. ':k', e.position, e.position)
      call('ZADD', key .. ':k:' .. e.origin, e.n, e.n)
    else call('ZADD', EXPIRY, e.expires, e.id) end
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
