-- A channel that was unknown or hidden shows, unless a message came too late for that.
if is_message and idle_time and active + idle_time < tonumber(horizon or 0) then
  call('HSET', key, 'e', horizon)
  call('ZADD', HIDDEN, horizon, channel)
  call('ZADD', DOOMED, horizon, channel)
else
  call('HDEL', key, 'e')
  call('ZREM', HIDDEN, channel)
  call('ZREM', DOOMED, channel)
  if idle_time then
    call('ZADD', CHANNELS, 0, channel)
    call('ZADD', IDLE, int(active + idle_time), channel)
  end
end
