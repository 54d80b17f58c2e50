-- What is no longer kept of a channel. ARGV: the channel
-- -> of each origin { origin, up to where nothing is kept, purged counts beyond... }
-- include common
-- include gone
local key = channel_key(ARGV[1])
local replies = {}
for _, field in ipairs(call('HKEYS', key)) do
  if is_origin(field) then
    local beyond = key .. ':b:' .. field
    local last = call('ZREVRANGEBYSCORE', beyond, empty_up_to(key, field), '-inf', 'LIMIT', 0, 1)[1]
    local reply = call('ZRANGEBYSCORE', beyond, last and '(' .. last or '-inf', '+inf')
    local up_to = last or call('HGET', key .. ':p', field)
    if up_to or #reply > 0 then
      table.insert(reply, 1, up_to or '0')
      table.insert(reply, 1, field)
      replies[#replies + 1] = reply
    end
  end
end
return replies
