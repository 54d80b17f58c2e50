local function instance() return call('HGET', STATE, 'instance') or '' end

-- To the processes of this server: 'i' and an incarnation that began; 'l' when nobody leads any more.
local function tell(...) call('SPUBLISH', prefix .. 'feed:' .. instance(), table.concat({ ... }, '\n')) end

local function begin_incarnation(incarnation)
  call('HSET', STATE, 'incarnation', int(incarnation))
  tell('i', int(incarnation))
end
