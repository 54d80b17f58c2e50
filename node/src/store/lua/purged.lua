-- What is no longer kept of a channel. ARGV: the channel
-- -> of each origin { origin, up to where nothing is kept, purged counts beyond... }
local key = channel_key(ARGV[1])
local replies = {}
for _, origin in ipairs(redis.call('HKEYS', key .. ':v')) do
  local beyond = key .. ':b:' .. origin
  local last = redis.call('ZREVRANGEBYSCORE', beyond, empty_up_to(key, origin), '-inf', 'LIMIT', 0, 1)[1]
  local reply = redis.call('ZRANGEBYSCORE', beyond, last and '(' .. last or '-inf', '+inf')
  local up_to = last or redis.call('HGET', key .. ':p', origin)
  if up_to or #reply > 0 then
    table.insert(reply, 1, up_to or '0')
    table.insert(reply, 1, origin)
    replies[#replies + 1] = reply
  end
end
return replies
