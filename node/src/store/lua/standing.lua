-- What counts for an entry of `origin`: its watermark, and fields of the state; false for what is not there yet.
local watermark, horizon, seq, messages, bytes, together, present, last_clock =
  unpack(call('HMGET', STATE, origin, 'horizon', 'seq', 'messages', 'bytes', 'together', 'incarnation', 'clock'))
