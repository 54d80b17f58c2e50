-- Raises a watermark to a count and on over those known right after it.
-- -> it, to be saved, and whether none beyond it was known
local function raise_watermark(origin, n)
  local beyond = prefix .. 'x:' .. origin
  if call('EXISTS', beyond) == 0 then return int(n), true end
  local next = call('ZRANGE', beyond, 0, 0)[1]
  while next and tonumber(next) == n + 1 do
    n = n + 1
    call('ZREM', beyond, next)
    next = call('ZRANGE', beyond, 0, 0)[1]
  end
  return int(n), false
end
