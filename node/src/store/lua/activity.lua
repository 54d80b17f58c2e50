-- Of the channel at `key`: last activity, idle time, when it was hidden, and bytes of messages.
local last_activity, idle_time, hidden, kept = unpack(call('HMGET', key, 'l', 'd', 'e', 'y'))
