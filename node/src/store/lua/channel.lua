-- What is known of a channel, at one moment. ARGV: the channel
-- -> { its hash, flat; messages kept; of each origin { origin, watermark, counts that came ahead of it... } }
-- include common
local key = channel_key(ARGV[1])
local hash, vector = call('HGETALL', key), {}
for i = 1, #hash, 2 do
  if is_origin(hash[i]) then
    local reply = call('ZRANGEBYSCORE', key .. ':a:' .. hash[i], '(' .. hash[i + 1], '+inf')
    table.insert(reply, 1, hash[i + 1])
    table.insert(reply, 1, hash[i])
    vector[#vector + 1] = reply
  end
end
return { hash, call('XLEN', key .. ':log'), vector }
