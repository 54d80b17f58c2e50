-- The first coordinate of an id, and its further ones as text at the end of the value; nil for an unknown id.
local function known(id)
  local value = call('HGET', IDS, id)
  if not value then return nil end
  local kind, channel, position, origin, n, clock, aliases =
    string.match(value, '^(.)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return {
    id = id, value = value, kind = kind, channel = channel, position = position, origin = origin, n = n, clock = clock, aliases = aliases,
  }
end
