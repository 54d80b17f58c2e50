-- Names. KEYS[1] is the prefix of all keys, with a hash tag: what is built from it lies in one slot.
--
--   state    hash    seq: the last position given; horizon: time of the last purge, Unix ms, what expired before does not come in
--                    again; incarnation: in which this server's processes count; clock: the last that they gave; life: of the Redis in
--                    which the incarnation began; instance: random, of this store alone, as channels are Redis's and not a database's;
--                    together: while several processes are alive that scripts tell what is logged, <instance>:<process> of each;
--                    messages, bytes: how many are kept, and of how much text; cut: up to this position only control messages are kept,
--                    and geneses; of each origin its watermark: all counts up to it are known
--   roster   zset    processes of this server by the end of their lease, Unix ms of this Redis
--   lead     hash    process, term, until (as above), address: which of them leads
--   secret   string  known to these processes alone
--   x:<origin>                 zset    counts known beyond the watermark
--   ids      hash    id -> kind|channel|position|origin|n|clock|aliases      kind m or g; aliases are origin,n;origin,n;...
--   expiry   zset    message ids by expiry
--   order    zset    by position: of each message id|bytes, of control messages id|bytes|k, of geneses id|0|g
--   notices  zset    notices as JSON by the time of their end
--   o:<origin>                 zset    by count: id; of an alias id|n|clock, of a reference id|n|
--   channels, idle             zsets   known channels by name; by a time before which they do not expire, see purge.lua
--   hidden, doomed             zsets   expired channels by the time of the purge that found them so, or of the last one before a
--                                      message came that could not bring it back; those of them that have messages
--   c:<channel>                hash    l: last activity; e: hidden since; y: bytes of its messages; f: as cut above; of the genesis g: 1, b: canonical, s: sig, o: origin, n,
--                                      a: clock, t: createdAt, x: expiresAt, d: idle time; of each origin its watermark when a
--                                      message of this channel last came
--   c:<channel>:log            stream  <position>-0: i: id, b: canonical, s: sig, o: origin, n, a: clock, w: the origin's watermark
--                                      right after, t: sentAt, x: expiresAt
--   c:<channel>:o:<origin>     zset    by count: position; where others came ahead position|watermark|first, first being the lowest
--                                      position of this count and all higher ones
--   c:<channel>:a:<origin>     zset    counts that came ahead of that watermark
--   c:<channel>:k              zset    positions of control messages, which stay for as long as their channel
--   c:<channel>:k:<origin>     zset    their counts
--   c:<channel>:p              hash    origin -> a purged count up to which nothing is kept
--   c:<channel>:b:<origin>     zset    purged counts beyond that, with others below them that are kept or may still come
local prefix, call = KEYS[1], redis.call
local STATE, IDS, EXPIRY, ORDER = prefix .. 'state', prefix .. 'ids', prefix .. 'expiry', prefix .. 'order'
local CHANNELS, IDLE, HIDDEN, DOOMED = prefix .. 'channels', prefix .. 'idle', prefix .. 'hidden', prefix .. 'doomed'
-- The date of expiry of control messages.
local NEVER = '9007199254740991'
local MAX_EXCEPTIONS, MAX_ALIASES_BYTES = 1024, 8192

-- tostring() would write large numbers with an exponent.
local function int(x) return string.format('%.0f', x) end
local function channel_key(channel) return prefix .. 'c:' .. channel end

-- Whether a field of a channel's hash is an origin's.
local function is_origin(field) return string.find(field, '-', 1, true) end
