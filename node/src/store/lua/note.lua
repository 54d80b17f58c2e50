-- Notes counts from..to of an origin, or nothing. The watermark is to be saved.
-- -> its watermark then, and whether they came in order: right after all others; or nil, and 'known' or 'refused'
local function note(origin, up_to, from, to)
  local beyond = prefix .. 'x:' .. origin
  if to <= up_to then return nil, 'known' end
  if from <= up_to + 1 then
    if to > up_to + 1 then call('ZREMRANGEBYSCORE', beyond, '-inf', to) end
    return raise_watermark(origin, to)
  end
  local added = to - from + 1 - call('ZCOUNT', beyond, from, to)
  if added == 0 then return nil, 'known' end
  if call('ZCARD', beyond) + added > MAX_EXCEPTIONS then return nil, 'refused' end
  for n = from, to do call('ZADD', beyond, n, n) end
  return int(up_to), false
end
