#!lua flags=allow-oom
-- One bounded part of deleting the oldest messages beyond what is kept at most, to be repeated while there is more. Control messages stay.
-- ARGV: now, deletions at most; how many channels to look at, and the one after which to begin ('' for the first), or 0 and '' for all
--       messages together; messages and bytes at most, of a channel or of all; the time since which the latest message of a channel has to
--       be sent, or since which the oldest of all (Unix ms); '' for no bound
-- -> { deleted entries, the channel looked at last, 1 when there is more }
-- include common
-- include known
-- include gone
local now, budget = ARGV[1], tonumber(ARGV[2])
-- include deleting
local page, after = tonumber(ARGV[3]), ARGV[4]
local max_messages, max_bytes, since = tonumber(ARGV[5]) or math.huge, tonumber(ARGV[6]) or math.huge, tonumber(ARGV[7]) or 0

local function field(message, name)
  for i = 1, #message, 2 do if message[i] == name then return message[i + 1] end end
end

-- Deletes a channel's oldest messages while it has too much. -> whether it has no more to give
local function cut_channel(channel)
  local key = channel_key(channel)
  while true do
    local is = call('HMGET', key, 'l', 'y', 'f')
    local idle = tonumber(is[1] or 0) < since
    if not idle and call('XLEN', key .. ':log') <= max_messages and tonumber(is[2] or 0) <= max_bytes then return true end
    local oldest = call('XRANGE', key .. ':log', is[3] and '(' .. is[3] .. '-0' or '-', '+', 'COUNT', 1)[1]
    if not oldest then return true end
    if budget == 0 then return false end
    budget = budget - 1
    call('HSET', key, 'f', string.match(oldest[1], '^%d+'))
    if field(oldest[2], 'x') ~= NEVER then delete_message(field(oldest[2], 'i')) end
  end
end

-- Deletes the oldest of all while there is too much, or it is too old. -> whether there is no more to be deleted
local function cut_all()
  while true do
    local is = call('HMGET', STATE, 'messages', 'bytes', 'cut')
    local too_much = tonumber(is[1] or 0) > max_messages or tonumber(is[2] or 0) > max_bytes
    if not too_much and since == 0 then return true end
    local oldest = call('ZRANGEBYSCORE', ORDER, is[3] and '(' .. is[3] or '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    if #oldest == 0 then return true end
    local id, stays = string.match(oldest[1], '^([^|]*)|%d+(.*)$')
    if not too_much and stays == '' then
      local e = known(id)
      local message = call('XRANGE', channel_key(e.channel) .. ':log', e.position .. '-0', e.position .. '-0')[1]
      if tonumber(field(message[2], 't')) >= since then return true end
    end
    if budget == 0 then return false end
    budget = budget - 1
    call('HSET', STATE, 'cut', oldest[2])
    if stays == '' then delete_message(id) end
  end
end

if page == 0 then
  local done = cut_all()
  return { deleted, '', done and 0 or 1 }
end
local channels = call('ZRANGEBYLEX', CHANNELS, after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, page)
for _, channel in ipairs(channels) do
  if not cut_channel(channel) then return { deleted, after, 1 } end
  after = channel
end
return { deleted, after, #channels == page and 1 or 0 }
