#!lua flags=allow-oom
-- One bounded part of a purge, to be repeated while there is more.
-- ARGV: now, how much to do at most, times before which hidden channels lose their messages and are forgotten (all Unix ms)
-- -> { deleted entries, 1 when there is more }
-- include common
-- include known
-- include gone
local now, budget, empty_before, forget_before = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
-- include deleting

local function forget_channel(channel)
  local key = channel_key(channel)
  local genesis = known(channel)
  if genesis then delete_coordinates(genesis) end
  for _, field in ipairs(call('HKEYS', key)) do
    if is_origin(field) then call('DEL', key .. ':o:' .. field, key .. ':a:' .. field, key .. ':b:' .. field) end
  end
  call('DEL', key, key .. ':p', key .. ':log')
  call('ZREM', HIDDEN, channel)
end

call('HSET', STATE, 'horizon', now)

local idle = call('ZRANGEBYSCORE', IDLE, '-inf', '(' .. now, 'LIMIT', 0, budget)
for _, channel in ipairs(idle) do
  local key = channel_key(channel)
  local is = call('HMGET', key, 'l', 'd')
  local expires = is[1] + is[2]
  -- Messages that came since have not moved it.
  if expires >= tonumber(now) then call('ZADD', IDLE, int(expires), channel)
  else
    call('ZREM', IDLE, channel)
    call('ZREM', CHANNELS, channel)
    call('HSET', key, 'e', now)
    call('ZADD', HIDDEN, now, channel)
    if call('EXISTS', key .. ':log') == 1 then call('ZADD', DOOMED, now, channel) end
    deleted = deleted + 1
  end
end

local left = budget
for _, channel in ipairs(call('ZRANGEBYSCORE', DOOMED, '-inf', '(' .. empty_before, 'LIMIT', 0, budget)) do
  local doomed = call('XRANGE', channel_key(channel) .. ':log', '-', '+', 'COUNT', left + 1)
  for i = 1, math.min(#doomed, left) do delete_message(doomed[i][2][2]) end
  if #doomed > left then
    left = 0
    break
  end
  left = left - #doomed
  call('ZREM', DOOMED, channel)
end

if left > 0 then
  local doomed = call('ZRANGEBYSCORE', EXPIRY, '-inf', '(' .. now, 'LIMIT', 0, left)
  for _, id in ipairs(doomed) do delete_message(id) end
  left = left - #doomed
end

local forgotten = call('ZRANGEBYSCORE', HIDDEN, '-inf', '(' .. forget_before, 'LIMIT', 0, budget)
for _, channel in ipairs(forgotten) do
  if not call('ZSCORE', DOOMED, channel) then forget_channel(channel) end
end

local more = #idle == budget or left <= 0 or #forgotten == budget
return { deleted, more and 1 or 0 }
