-- Notes a count `n` of an origin that did not come in order to the channel at `key`; `up_to` is the origin's watermark then.
call('ZREMRANGEBYSCORE', key .. ':a:' .. origin, '-inf', up_to)
if tonumber(n) > tonumber(up_to) then call('ZADD', key .. ':a:' .. origin, n, n) end
