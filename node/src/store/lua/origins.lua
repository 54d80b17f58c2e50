-- What is known of every origin, at one moment.
-- -> of each { origin, watermark, lowest count kept ('' for none), counts known beyond the watermark... }
-- include common
local replies = {}
local state = call('HGETALL', STATE)
for i = 1, #state, 2 do
  local origin = state[i]
  if is_origin(origin) then
    local kept = call('ZRANGE', prefix .. 'o:' .. origin, 0, 0, 'WITHSCORES')[2]
    local reply = call('ZRANGE', prefix .. 'x:' .. origin, 0, -1)
    table.insert(reply, 1, kept or '')
    table.insert(reply, 1, state[i + 1])
    table.insert(reply, 1, origin)
    replies[#replies + 1] = reply
  end
end
return replies
