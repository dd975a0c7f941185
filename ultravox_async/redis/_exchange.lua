-- One exchange of a client with the store: it reports what became of its slots, and asks for new ones.
--
-- A slot is the right to send one request at a certain time. All slots of a window are members of a sorted set, with
-- their times as scores, in microseconds of the server's clock. A slot is added at a time only if no window of the rate
-- then holds more than its limit, wherever it starts.
--
-- KEYS: the state, the clients, the slots of all requests, the slots of requests that create calls.
-- ARGV: the question as JSON; see `Question` in _store.py.

local STATE, CLIENTS = KEYS[1], KEYS[2]
local SLOTS = { KEYS[3], KEYS[4] }
-- Microseconds. How far ahead of its time a slot may be handed out.
local AHEAD = 200000
-- Requests of sweeps are spaced evenly. If slots were given back, up to so much of the time is made up for.
local CATCH_UP = 100000
-- A client counts as active for this long after an exchange, and as present for this long.
local ACTIVE, PRESENT = 500000, 10000000
-- If nobody was served for this long, the store may not have been available.
local ABSENCE = 500000
-- Clients that lost the store try again this often at least; until then, they send without it.
local RETURN = 800000
-- While single calls wait too, one slot in this many goes to sweeps.
local BACKGROUND_SHARE = 8

-- tostring() has 14 digits, and the time in microseconds has 16.
local function int(number)
  return string.format('%.0f', number)
end

local clock = redis.call('TIME')
local seconds, microseconds = tonumber(clock[1]), tonumber(clock[2])
local now = seconds * 1000000 + microseconds
local question = cjson.decode(ARGV[1])
-- The client no longer waits for the answer, and may have sent without the store since: serving it would hide that. Or
-- the server's clock was set forward. Then the client learns that from this answer, and asks again.
if question.expires > 0 and now > question.expires then
  return { seconds, microseconds, 0 }
end
local state = {}
local fields = {
  'due', 'credit', 'last', 'resumed', 'born', 'blocked', 'blocked:calls', 'id',
  'cool:api', 'cool:calls', 'first:api', 'first:calls',
}
for index, value in ipairs(redis.call('HMGET', STATE, unpack(fields))) do
  state[fields[index]] = tonumber(value or 0)
end

local general = question.windows.api[1]
local interval = general[3] / (general[2] - question.spare)

local function block_if_memory_is_lost()
  local stepped_back = state.last > now + 1000000
  if stepped_back then
    redis.call('DEL', SLOTS[1], SLOTS[2])
    for _, field in ipairs(fields) do
      state[field] = field == 'id' and state.id or 0
    end
  end
  if state.last < now - ABSENCE then
    state.resumed = now
  end
  if state.born == 0 then
    state.born = now
    -- Clients may still report about slots that were numbered before.
    state.id = math.max(state.id, now)
  end

  -- What was sent before this is not known completely.
  local lost = 0
  if stepped_back or question.clock_leapt or state.last < question.known then
    lost = now
  elseif question.known > 0 and question.known < state.born then
    lost = state.born
  end
  if lost > 0 then
    state['blocked:calls'] = math.max(state['blocked:calls'], lost + RETURN + question.longest[2])
  end
  -- If nobody was served while a client sent without the store, the others probably did so too, and some still do.
  if now - question.alone_for < state.resumed then
    lost = math.max(lost, state.resumed)
  end
  if lost > 0 then
    state.blocked = math.max(state.blocked, lost + RETURN + general[3])
  end
  -- The calls that this client has created without the store.
  state['blocked:calls'] = math.max(state['blocked:calls'], now + question.calls_pause)
end

local function put(slot, operation, at)
  for _, window in ipairs(question.windows[operation]) do
    redis.call('ZADD', SLOTS[window[1]], int(at), slot)
  end
end

local function note_reports()
  for _, report in ipairs(question.moved) do
    put(int(report[1]), report[2], math.min(report[3], now))
  end
  for _, report in ipairs(question.returned) do
    local slot = int(report[1])
    if redis.call('ZREM', SLOTS[1], slot) == 1 then
      state.due = state.due - interval
    end
    redis.call('ZREM', SLOTS[2], slot)
  end
  for operation, lasts in pairs(question.cool_downs) do
    local field = 'cool:' .. operation
    state[field] = math.max(state[field], now + lasts)
  end
end

local function time_of(key, index)
  return tonumber(redis.call('ZRANGE', key, index, index, 'WITHSCORES')[2])
end

-- Return the earliest time from `at` on at which the window has room for one more slot.
local function opening_of(key, limit, length, at)
  local total = redis.call('ZCARD', key)
  local before = total - redis.call('ZCOUNT', key, '(' .. int(at), '+inf')
  -- In each window that ends with a later slot, there would be one more.
  for later = math.min(total, before + limit) - 1, before, -1 do
    local first = later - limit + 1
    local begins = first == before and at or first >= 0 and time_of(key, first)
    if begins then
      local ends = time_of(key, later)
      if ends - begins < length then
        return opening_of(key, limit, length, ends)
      end
    end
  end
  if before >= limit then
    local free = time_of(key, before - limit) + length
    if free > at then
      return opening_of(key, limit, length, free)
    end
  end
  return at
end

local function opening(operation, spare, at)
  at = math.max(at, state.blocked, state['cool:' .. operation])
  if operation == 'calls' then
    at = math.max(at, state['blocked:calls'])
  end
  local settled
  repeat
    settled = true
    for _, window in ipairs(question.windows[operation]) do
      local limit = window[1] == 1 and window[2] - spare or window[2]
      local later = opening_of(SLOTS[window[1]], limit, window[3], at)
      settled = settled and later == at
      at = later
    end
  until settled
  return at
end

local function add(operation, at, slots)
  state.id = state.id + 1
  state.due = math.max(state.due, now - CATCH_UP) + interval
  put(int(state.id), operation, at)
  slots[#slots + 1] = state.id
  slots[#slots + 1] = at - now
end

-- Return the microseconds after which to ask again; -1 if all that was wanted was given.
local function serve_single_calls(operation, wanted, slots)
  local first = 'first:' .. operation
  for _ = 1, wanted do
    local at = opening(operation, 0, now)
    if at > now + AHEAD then
      -- Until they have their turn, the sweeps of other clients wait.
      state[first] = at
      return at - now - AHEAD / 2
    end
    add(operation, at, slots)
    state.credit = math.min(state.credit + 1 / (BACKGROUND_SHARE - 1), BACKGROUND_SHARE)
    -- However many single calls there are, sweeps go on soon after them.
    state.due = math.min(state.due, now + AHEAD + interval)
  end
  if wanted > 0 then
    state[first] = 0
  end
  return -1
end

local function serve_sweeps(operation, wanted, active, slots)
  local share = math.max(1, math.floor(AHEAD / interval / active))
  for index = 1, math.min(wanted, share) do
    local singles_wait = state['first:' .. operation] > now
    if singles_wait and state.credit < 1 then
      return state['first:' .. operation] - now
    end
    local at
    if singles_wait or operation == 'calls' then
      at = opening(operation, 0, now)
    else
      at = opening(operation, question.spare, math.max(now, state.due))
    end
    if at <= now + AHEAD and singles_wait then
      state.credit = state.credit - 1
    elseif at > now + AHEAD then
      return at - now - AHEAD + (math.min(wanted, share) - index) * interval
    end
    add(operation, at, slots)
  end
  return -1
end

local function save()
  local saved = {}
  for field, value in pairs(state) do
    saved[#saved + 1] = field
    saved[#saved + 1] = string.format('%.17g', value)
  end
  redis.call('HSET', STATE, unpack(saved))
  -- What was counted is forgotten when no window can hold it any more. The state is kept for much longer.
  for number, length in ipairs(question.longest) do
    redis.call('ZREMRANGEBYSCORE', SLOTS[number], '-inf', int(now - length - 1000000))
    redis.call('PEXPIRE', SLOTS[number], int(length / 1000 + 60000))
  end
  local cooling = math.max(0, state['cool:api'] - now, state['cool:calls'] - now)
  redis.call('PEXPIRE', STATE, int(math.max(600000 + cooling / 1000, question.longest[2] / 1000 + 60000)))
  redis.call('PEXPIRE', CLIENTS, int(PRESENT / 1000))
end

block_if_memory_is_lost()
note_reports()
if question.leaving then
  redis.call('ZREM', CLIENTS, question.client)
else
  redis.call('ZADD', CLIENTS, int(now), question.client)
end
redis.call('ZREMRANGEBYSCORE', CLIENTS, '-inf', int(now - PRESENT))
local active = math.max(1, redis.call('ZCOUNT', CLIENTS, int(now - ACTIVE), '+inf'))

local answer = { seconds, microseconds, redis.call('ZCARD', CLIENTS) }
for _, operation in ipairs({ 'calls', 'api' }) do
  local single, sweeps = unpack(question.wanted[operation])
  local slots = {}
  local waits = serve_single_calls(operation, single, slots)
  local waits_too = serve_sweeps(operation, sweeps, active, slots)
  local cooling = math.max(0, state['cool:' .. operation] - now)
  answer[#answer + 1] = { operation, cooling, waits, waits_too, slots }
end
state.last = math.max(state.last, now)
save()
return answer
