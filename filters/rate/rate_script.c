/* Numbers of Lua are doubles: whole numbers are exact up to 2^53, and tokens are written so that
 * the nanoseconds they stand for come out again.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_script.h"

/* How it is kept (key: the limit's):
 *   fixedWindow       key                 hash: window (its number since 1970), count
 *   slidingCounter    key:WINDOW          the count of that window, for two windows' time
 *   slidingLog        key                 sorted set: the moment of each unit
 *   tokenBucket, leakyBucket   key        hash: tokens that are left, last_refill in milliseconds,
 *                                         and max, so that a limit that is changed forgets nothing
 * All of it expires when it says nothing any more. */

#define TIME                                                                                  \
    "local now = tonumber(ARGV[2])\n"                                                         \
    "if not now then\n"                                                                       \
    "  local t = redis.call('TIME')\n"                                                        \
    "  now = t[1] * 1000 + math.floor(t[2] / 1000)\n"                                         \
    "end\n"                                                                                   \
    "local function whole(n) return string.format('%.0f', n) end\n"                           \
    "local function expire(key, ms) redis.call('PEXPIRE', key, whole(ms)) end\n"

/* Days to months and back, in the proleptic Gregorian calendar; years begin in March. */
#define CALENDAR                                                                              \
    "local periods = {1000, 60000, 3600000, 86400000}\n"                                      \
    "local function month_of(ms)\n"                                                           \
    "  local z = math.floor(ms / 86400000) + 719468\n"                                        \
    "  local era = math.floor(z / 146097)\n"                                                  \
    "  local doe = z - era * 146097\n"                                                        \
    "  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524)\n"      \
    "    - math.floor(doe / 146096)) / 365)\n"                                                \
    "  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))\n"         \
    "  local mp = math.floor((5 * doy + 2) / 153)\n"                                          \
    "  local m = mp < 10 and mp + 3 or mp - 9\n"                                              \
    "  return (yoe + era * 400 + (m <= 2 and 1 or 0) - 1970) * 12 + m - 1\n"                  \
    "end\n"                                                                                   \
    "local function ms_of(month)\n"                                                           \
    "  local y, m = 1970 + math.floor(month / 12), month % 12 + 1\n"                          \
    "  if m <= 2 then y = y - 1 end\n"                                                        \
    "  local era = math.floor(y / 400)\n"                                                     \
    "  local yoe = y - era * 400\n"                                                           \
    "  local doy = math.floor((153 * (m > 2 and m - 3 or m + 9) + 2) / 5)\n"                  \
    "  local doe = yoe * 365 + math.floor(yoe / 4) - math.floor(yoe / 100) + doy\n"           \
    "  return (era * 146097 + doe - 719468) * 86400000\n"                                     \
    "end\n"                                                                                   \
    "local function number_of(period, ms)\n"                                                  \
    "  if period < 4 then return math.floor(ms / periods[period + 1]) end\n"                  \
    "  local month = month_of(ms)\n"                                                          \
    "  return period == 5 and math.floor(month / 12) or month\n"                              \
    "end\n"                                                                                   \
    "local function end_of(period, number)\n"                                                 \
    "  if period < 4 then return (number + 1) * periods[period + 1] end\n"                    \
    "  return ms_of(period == 5 and (number + 1) * 12 or number + 1)\n"                       \
    "end\n"

/* A limit `a` is read once; `judge` says what a cost would come to, `add` counts it. */
#define FIXED                                                                                 \
    "local fixed = {}\n"                                                                      \
    "function fixed.read(a)\n"                                                                \
    "  local s = redis.call('HMGET', a.key, 'window', 'count')\n"                             \
    "  local n = number_of(a.size, now)\n"                                                    \
    "  a.window, a.count = tonumber(s[1]) or 0, tonumber(s[2]) or 0\n"                        \
    "  if a.window < n then\n"                                                                \
    "    a.window, a.count = n, 0\n"                                                          \
    "  elseif a.window > number_of(a.size, now + 1000) then\n"                                \
    "    a.window, a.was_set_back = n, true\n"                                                \
    "  end\n"                                                                                 \
    "end\n"                                                                                   \
    "function fixed.judge(a, cost)\n"                                                         \
    "  local room = math.max(a.max - a.count, 0)\n"                                           \
    "  local left = math.max(end_of(a.size, a.window) - now, 0)\n"                            \
    "  if math.max(cost, 1) <= room then return {1, room - cost, left, 0, 0} end\n"           \
    "  return {0, room, left, cost > a.max and -1 or left, 0}\n"                              \
    "end\n"                                                                                   \
    "function fixed.add(a, cost)\n"                                                           \
    "  a.count = math.min(a.count + cost, 4294967295)\n"                                      \
    "  redis.call('HMSET', a.key, 'window', whole(a.window), 'count', whole(a.count))\n"      \
    "  expire(a.key, math.max(end_of(a.size, a.window) - now, 0) + 1000)\n"                   \
    "end\n"

#define SLIDING                                                                               \
    "local sliding = {}\n"                                                                    \
    "function sliding.read(a)\n"                                                              \
    "  local n = math.floor(now / a.size)\n"                                                  \
    "  a.left = (n + 1) * a.size - now\n"                                                     \
    "  a.present = a.key .. ':' .. whole(n)\n"                                                \
    "  a.count = tonumber(redis.call('GET', a.present)) or 0\n"                               \
    "  a.last = tonumber(redis.call('GET', a.key .. ':' .. whole(n - 1))) or 0\n"             \
    "end\n"                                                                                   \
    "function sliding.judge(a, cost)\n"                                                       \
    "  local all, used = a.max * a.size, a.last * a.left + a.count * a.size\n"                \
    "  local fits = used + (math.max(cost, 1) - 1) * a.size < all\n"                          \
    "  if fits then used = used + cost * a.size end\n"                                        \
    "  local room = used < all and math.floor((all - used) / a.size) or 0\n"                  \
    "  if fits then return {1, room, a.left, 0, 0} end\n"                                     \
    "  return {0, room, a.left, cost > a.max and -1 or a.left, 0}\n"                          \
    "end\n"                                                                                   \
    "function sliding.add(a, cost)\n"                                                         \
    "  a.count = math.min(a.count + cost, 4294967295)\n"                                      \
    "  redis.call('SET', a.present, whole(a.count), 'PX', whole(2 * a.size))\n"               \
    "end\n"

#define LOG                                                                                   \
    "local log = {}\n"                                                                        \
    "local function moment(key, at) return tonumber(redis.call('ZRANGE', key, at, at,\n"      \
    "  'WITHSCORES')[2]) end\n"                                                               \
    "function log.read(a)\n"                                                                  \
    "  redis.call('ZREMRANGEBYSCORE', a.key, '-inf', whole(now - a.size))\n"                  \
    "  a.count = redis.call('ZCARD', a.key)\n"                                                \
    "  a.oldest, a.newest = moment(a.key, 0), moment(a.key, -1)\n"                            \
    "end\n"                                                                                   \
    "function log.judge(a, cost)\n"                                                           \
    "  local room = math.max(a.max - a.count, 0)\n"                                           \
    "  if math.max(cost, 1) <= room then\n"                                                   \
    "    local newest = cost > 0 and math.max(now, a.newest or now) or a.newest\n"            \
    "    return {1, room - cost, newest and newest + a.size - now or 0, 0, 0}\n"              \
    "  end\n"                                                                                 \
    "  local reset = a.newest and a.newest + a.size - now or 0\n"                             \
    "  local retry = a.oldest and a.oldest + a.size - now or 0\n"                             \
    "  return {0, room, reset, cost > a.max and -1 or retry, 0}\n"                            \
    "end\n"                                                                                   \
    "function log.add(a, cost)\n"                                                             \
    "  local at, same = whole(now), redis.call('ZCOUNT', a.key, whole(now), whole(now))\n"    \
    "  for i = 1, math.min(cost, math.max(a.max - a.count, 0)) do\n"                          \
    "    redis.call('ZADD', a.key, at, at .. ':' .. whole(same + i))\n"                       \
    "  end\n"                                                                                 \
    "  expire(a.key, a.size)\n"                                                               \
    "end\n"

/* used: nanoseconds that are ahead of now, as in rate_window.c. */
#define BUCKET                                                                                \
    "local bucket = {}\n"                                                                     \
    "function bucket.read(a)\n"                                                               \
    "  local s = redis.call('HMGET', a.key, 'tokens', 'last_refill', 'max')\n"                \
    "  local tokens, last, max = tonumber(s[1]), tonumber(s[2]), tonumber(s[3])\n"            \
    "  a.used = 0\n"                                                                          \
    "  if tokens and last and max then\n"                                                     \
    "    local used = math.floor((max - tokens) * a.size + 0.5)\n"                            \
    "    a.used = math.max(used - math.max(now - last, 0) * 1000000, 0)\n"                    \
    "  end\n"                                                                                 \
    "end\n"                                                                                   \
    "function bucket.judge(a, cost)\n"                                                        \
    "  local all, used = a.max * a.size, a.used\n"                                            \
    "  local wanted = used + math.max(cost, 1) * a.size\n"                                    \
    "  local fits = wanted <= all\n"                                                          \
    "  if fits then used = used + cost * a.size end\n"                                        \
    "  local room = used < all and math.floor((all - used) / a.size) or 0\n"                  \
    "  local reset = math.ceil(used / 1000000)\n"                                             \
    "  if fits then\n"                                                                        \
    "    return {1, room, reset, 0, a.delays and math.ceil(a.used / 1000000) or 0}\n"         \
    "  end\n"                                                                                 \
    "  return {0, room, reset, cost > a.max and -1 or math.ceil((wanted - all) / 1000000), 0}\n" \
    "end\n"                                                                                   \
    "function bucket.add(a, cost)\n"                                                          \
    "  local all = a.max * a.size\n"                                                          \
    "  a.used = a.used + cost * a.size\n"                                                     \
    "  redis.call('HMSET', a.key, 'tokens', string.format('%.17g', (all - a.used) / a.size),\n" \
    "    'last_refill', whole(now), 'max', whole(a.max))\n"                                   \
    "  redis.call('EXPIRE', a.key, whole(math.ceil(math.max(all, a.used) / 1e9) + 10))\n"     \
    "end\n"

#define MAIN                                                                                  \
    "local kinds = {fixed, sliding, log, bucket, bucket}\n"                                   \
    "local asks, verdicts, fits = {}, {}, true\n"                                             \
    "for i, key in ipairs(KEYS) do\n"                                                         \
    "  local at = 3 + (i - 1) * 5\n"                                                          \
    "  local a = {key = key, kind = kinds[tonumber(ARGV[at]) + 1],\n"                         \
    "    cost = tonumber(ARGV[at + 1]), max = tonumber(ARGV[at + 2]),\n"                      \
    "    size = tonumber(ARGV[at + 3]), delays = ARGV[at + 4] == '1'}\n"                      \
    "  a.kind.read(a)\n"                                                                      \
    "  asks[i] = a\n"                                                                         \
    "  verdicts[i] = a.kind.judge(a, a.cost)\n"                                               \
    "  fits = fits and verdicts[i][1] == 1\n"                                                 \
    "end\n"                                                                                   \
    "local takes = fits or ARGV[1] == 'charge'\n"                                             \
    "local reply = {}\n"                                                                      \
    "for i, a in ipairs(asks) do\n"                                                           \
    "  if takes and a.cost > 0 then\n"                                                        \
    "    a.kind.add(a, a.cost)\n"                                                             \
    "  elseif a.was_set_back then\n"                                                          \
    "    a.kind.add(a, 0)\n"                                                                  \
    "  end\n"                                                                                 \
    "  if not takes and verdicts[i][1] == 1 then verdicts[i] = a.kind.judge(a, 0) end\n"      \
    "  for _, n in ipairs(verdicts[i]) do reply[#reply + 1] = n end\n"                        \
    "end\n"                                                                                   \
    "return reply\n"

struct filter_redis_script rate_script = {.source = TIME CALENDAR FIXED SLIDING LOG BUCKET MAIN};
