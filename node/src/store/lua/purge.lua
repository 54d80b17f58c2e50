-- One bounded part of a purge, to be repeated while there is more.
-- ARGV: now, how much to do at most, times before which hidden channels lose their messages and are forgotten (all Unix ms)
-- -> { deleted entries, 1 when there is more }
local now, budget, empty_before, forget_before = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local deleted = 0

local function delete_coordinates(e)
  redis.call('ZREMRANGEBYSCORE', prefix .. 'o:' .. e.origin, e.n, e.n)
  for origin, n in string.gmatch(e.aliases, '([^,;]+),(%d+);') do redis.call('ZREMRANGEBYSCORE', prefix .. 'o:' .. origin, n, n) end
  redis.call('HDEL', IDS, e.id)
end

local function delete_message(id)
  local e = known(id)
  redis.call('ZREM', EXPIRY, id)
  if not e then return end
  local key = channel_key(e.channel)
  redis.call('XDEL', key .. ':log', e.position .. '-0')
  if redis.call('XLEN', key .. ':log') == 0 then redis.call('DEL', key .. ':log') end
  redis.call('ZREMRANGEBYSCORE', key .. ':o:' .. e.origin, e.n, e.n)
  delete_coordinates(e)
  remember_purged(e.channel, e.origin, e.n)
  -- A channel of which only messages were known is unused without them.
  if redis.call('EXISTS', key .. ':log') == 0 and redis.call('HEXISTS', key, 'g') == 0 then
    redis.call('HSET', key, 'e', now)
    redis.call('ZADD', HIDDEN, now, e.channel)
  end
  deleted = deleted + 1
end

local function forget_channel(channel)
  local key = channel_key(channel)
  local genesis = known(channel)
  if genesis then delete_coordinates(genesis) end
  for _, hash in ipairs({ key .. ':v', key .. ':p' }) do
    for _, origin in ipairs(redis.call('HKEYS', hash)) do
      redis.call('DEL', key .. ':o:' .. origin, key .. ':a:' .. origin, key .. ':b:' .. origin)
    end
  end
  redis.call('DEL', key, key .. ':v', key .. ':p', key .. ':log')
  redis.call('ZREM', HIDDEN, channel)
end

redis.call('HSET', STATE, 'horizon', now)

local idle = redis.call('ZRANGEBYSCORE', IDLE, '-inf', '(' .. now, 'LIMIT', 0, budget)
for _, channel in ipairs(idle) do
  redis.call('ZREM', IDLE, channel)
  redis.call('ZREM', CHANNELS, channel)
  redis.call('HSET', channel_key(channel), 'e', now)
  redis.call('ZADD', HIDDEN, now, channel)
  if redis.call('EXISTS', channel_key(channel) .. ':log') == 1 then redis.call('ZADD', DOOMED, now, channel) end
  deleted = deleted + 1
end

local left = budget
for _, channel in ipairs(redis.call('ZRANGEBYSCORE', DOOMED, '-inf', '(' .. empty_before, 'LIMIT', 0, budget)) do
  local doomed = redis.call('XRANGE', channel_key(channel) .. ':log', '-', '+', 'COUNT', left + 1)
  for i = 1, math.min(#doomed, left) do delete_message(doomed[i][2][2]) end
  if #doomed > left then
    left = 0
    break
  end
  left = left - #doomed
  redis.call('ZREM', DOOMED, channel)
end

if left > 0 then
  local doomed = redis.call('ZRANGEBYSCORE', EXPIRY, '-inf', '(' .. now, 'LIMIT', 0, left)
  for _, id in ipairs(doomed) do delete_message(id) end
  left = left - #doomed
end

local forgotten = redis.call('ZRANGEBYSCORE', HIDDEN, '-inf', '(' .. forget_before, 'LIMIT', 0, budget)
for _, channel in ipairs(forgotten) do
  if not redis.call('ZSCORE', DOOMED, channel) then forget_channel(channel) end
end

local more = #idle == budget or left <= 0 or #forgotten == budget
return { deleted, more and 1 or 0 }
