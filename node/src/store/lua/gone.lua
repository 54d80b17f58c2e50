-- What is no longer kept of a channel.
local function raise(hash, origin, n)
  if tonumber(call('HGET', hash, origin) or 0) < tonumber(n) then call('HSET', hash, origin, n) end
end

-- The lowest count that is kept of what is no control message: the first counts are, as far as both lists begin alike.
local function first_that_expires(key, origin)
  local counts, controls = key .. ':o:' .. origin, key .. ':k:' .. origin
  local low, high = 0, call('ZCARD', controls)
  while low < high do
    local at = math.floor((low + high) / 2)
    if call('ZRANGE', controls, at, at)[1] == call('ZRANGE', counts, at, at, 'WITHSCORES')[2] then low = at + 1 else high = at end
  end
  return call('ZRANGE', counts, low, low, 'WITHSCORES')[2]
end

-- Up to where all of a channel's counts of an origin are known and none is kept but control messages: reading from there misses nothing else.
local function empty_up_to(key, origin)
  local first = first_that_expires(key, origin)
  return math.min(tonumber(call('HGET', STATE, origin) or 0), first and tonumber(first) - 1 or math.huge)
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
