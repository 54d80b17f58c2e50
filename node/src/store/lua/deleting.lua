-- Deleting messages. `now` is the time, Unix ms.
local deleted = 0

local function delete_coordinates(e)
  call('ZREMRANGEBYSCORE', ORDER, e.position, e.position)
  call('ZREMRANGEBYSCORE', prefix .. 'o:' .. e.origin, e.n, e.n)
  for origin, n in string.gmatch(e.aliases, '([^,;]+),(%d+);') do call('ZREMRANGEBYSCORE', prefix .. 'o:' .. origin, n, n) end
  call('HDEL', IDS, e.id)
end

local function delete_message(id)
  local e = known(id)
  call('ZREM', EXPIRY, id)
  if not e then return end
  local key = channel_key(e.channel)
  local bytes = tonumber(string.match(call('ZRANGEBYSCORE', ORDER, e.position, e.position)[1] or '', '^[^|]*|(%d+)') or 0)
  call('HINCRBY', STATE, 'messages', -1)
  call('HINCRBY', STATE, 'bytes', -bytes)
  call('HINCRBY', key, 'y', -bytes)
  call('XDEL', key .. ':log', e.position .. '-0')
  if call('XLEN', key .. ':log') == 0 then call('DEL', key .. ':log') end
  call('ZREMRANGEBYSCORE', key .. ':o:' .. e.origin, e.n, e.n)
  if call('ZREM', key .. ':k', e.position) == 1 then call('ZREM', key .. ':k:' .. e.origin, e.n) end
  delete_coordinates(e)
  remember_purged(e.channel, e)
  -- A channel of which only messages were known is unused without them.
  if call('EXISTS', key .. ':log') == 0 and call('HEXISTS', key, 'g') == 0 then
    call('HSET', key, 'e', now)
    call('ZADD', HIDDEN, now, e.channel)
  end
  deleted = deleted + 1
end
