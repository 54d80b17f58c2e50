-- Logs an entry and saves its origin's watermark. Written out where it is done, as a script makes its functions anew whenever it runs.
-- Given: process; kind, id, channel, canonical, sig, sent, expires, idle; origin, n, clock, up_to, in_order; what standing and activity read.
-- -> position
local is_message, stays, position = kind == 'm', expires == NEVER, int((seq or 0) + 1)
local size = is_message and #canonical or 0
call('HSET', STATE, 'seq', position, origin, up_to, 'clock', last_clock or 0, 'messages', int((messages or 0) + (is_message and 1 or 0)),
  'bytes', int((bytes or 0) + size))
call('HSET', IDS, id, kind .. '|' .. channel .. '|' .. position .. '|' .. origin .. '|' .. n .. '|' .. clock .. '|')
call('ZADD', ORDER, position, id .. '|' .. size .. (is_message and (stays and '|k' or '') or '|g'))
call('ZADD', prefix .. 'o:' .. origin, n, id)
if together then
  -- To the other processes: a position and what was logged there.
  local logged = table.concat({ position, up_to, kind, origin, n, clock, id, channel, sig, sent, expires, canonical }, '\n')
  for other in string.gmatch(together, '%S+') do
    if other ~= process then call('SPUBLISH', prefix .. 'feed:' .. other, logged) end
  end
end
local active = math.max(last_activity or 0, tonumber(sent))
if is_message then
  call('HSET', key, 'l', int(active), origin, up_to, 'y', int((kept or 0) + size))
  call('XADD', key .. ':log', position .. '-0', 'i', id, 'b', canonical, 's', sig, 'o', origin, 'n', n, 'a', clock, 'w', up_to,
    't', sent, 'x', expires)
  if stays then
    call('ZADD', key .. ':k', position, position)
    call('ZADD', key .. ':k:' .. origin, n, n)
  else call('ZADD', EXPIRY, expires, id) end
  local place = position
  if not in_order then
    local above = call('ZRANGEBYSCORE', key .. ':o:' .. origin, '(' .. n, '+inf', 'LIMIT', 0, 1)[1]
    place = position .. '|' .. up_to .. '|' .. (above and string.match(above, '%d+$') or position)
    -- include ahead
  end
  -- Where the message is looked up that was logged last.
  call('ZADD', key .. ':o:' .. origin, n, place)
else
  idle_time = idle
  call('HSET', key, 'l', int(active), 'g', 1, 'b', canonical, 's', sig, 'o', origin, 'n', n, 'a', clock, 't', sent, 'x', expires, 'd', idle)
end
if hidden or not is_message then
  -- include revive
end
