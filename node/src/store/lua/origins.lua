-- What is known of every origin, at one moment.
-- -> of each { origin, watermark, lowest count kept ('' for none), counts known beyond the watermark... }
local replies = {}
local watermarks = redis.call('HGETALL', ORIGINS)
for i = 1, #watermarks, 2 do
  local origin = watermarks[i]
  local kept = redis.call('ZRANGE', prefix .. 'o:' .. origin, 0, 0, 'WITHSCORES')[2]
  local reply = redis.call('ZRANGE', prefix .. 'x:' .. origin, 0, -1)
  table.insert(reply, 1, kept or '')
  table.insert(reply, 1, watermarks[i + 1])
  table.insert(reply, 1, origin)
  replies[#replies + 1] = reply
end
return replies
