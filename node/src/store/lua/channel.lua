-- What is known of a channel, at one moment. ARGV: the channel
-- -> { its hash, flat; messages kept; of each origin { origin, watermark, counts ahead of it... } }
local key = channel_key(ARGV[1])
local vector = {}
local watermarks = redis.call('HGETALL', key .. ':v')
for i = 1, #watermarks, 2 do
  local reply = redis.call('ZRANGEBYSCORE', key .. ':a:' .. watermarks[i], '(' .. watermarks[i + 1], '+inf')
  table.insert(reply, 1, watermarks[i + 1])
  table.insert(reply, 1, watermarks[i])
  vector[#vector + 1] = reply
end
return { redis.call('HGETALL', key), redis.call('XLEN', key .. ':log'), vector }
