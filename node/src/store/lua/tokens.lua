#!lua flags=allow-oom
-- Takes tokens out of buckets that all processes of a server draw from.
-- ARGV: of each bucket its name, the least that is of use, how many are wanted, its burst, tokens that come back in a second
-- -> of each bucket: tokens granted (0 when there are fewer than the least), milliseconds until the least is there
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local grants = {}
for i = 1, #ARGV, 5 do
  local key = KEYS[1] .. 'tokens:' .. ARGV[i]
  local least, want, burst, rate = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4] / 1000
  local bucket = redis.call('HMGET', key, 'level', 'at')
  local level = burst
  -- A clock that was set back gives nothing, and takes nothing.
  if bucket[1] then level = math.min(burst, bucket[1] + math.max(0, now - bucket[2]) * rate) end
  local granted, wait = 0, 0
  if level >= least then
    granted = math.min(want, level)
    level = level - granted
  else
    wait = (least - level) / rate
  end
  redis.call('HSET', key, 'level', string.format('%.17g', level), 'at', string.format('%.17g', now))
  -- A bucket that is full again need not be known.
  redis.call('PEXPIRE', key, math.ceil((burst - level) / rate) + 1)
  grants[#grants + 1] = string.format('%.17g', granted)
  grants[#grants + 1] = string.format('%.17g', wait)
end
return grants
