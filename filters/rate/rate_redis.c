/* Keys are what operators look for: "ratelimit:token_bucket:shop/limits/minute/ip:10.1.2.3". Values
 * of headers may be secrets, and long: those are in a key as a digest.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/rate/rate_redis.h"

#include <inttypes.h>

#include "filters/rate/rate_script.h"
#include "lib/schema/schema_format.h"

enum { PLAIN_KEY_MAX = 160, NUMBER_ARGS = 2 };

/* ---- what users write ---- */

static const char *const on_failure_names[] = {"Allow", "Deny", NULL};

static const struct schema_field fields[] = {
    REDIS_SERVER_FIELDS(struct rate_redis_spec),
    SCHEMA_FIELD(struct rate_redis_spec, key_prefix, "keyPrefix", STRING,
                 "What the names of all keys begin with, before a colon.", .min = 1, .max = 64,
                 .text = "ratelimit"),
    SCHEMA_FIELD(struct rate_redis_spec, on_failure, "onFailure", ENUM,
                 "What happens to requests while the server cannot be asked. `Allow`: they pass, "
                 "and responses say nothing of limits. `Deny`: 503.",
                 .choices = on_failure_names),
    {0},
};

const struct schema rate_redis_schema = {
    .name = "RateRedis",
    .doc = "Counters that several gateways share, in a Redis or Valkey server, by its clock.",
    .size = sizeof(struct rate_redis_spec),
    .fields = fields,
};

enum err rate_redis_prepare(const struct filter_build *b, const struct rate_redis_spec *spec,
                            struct rate_redis *out)
{
    *out = (struct rate_redis){.prefix = spec->key_prefix,
                               .id = arena_copy(b->arena, b->id),
                               .denies = spec->on_failure == RATE_DENY};
    return filter_redis_prepare(b, &spec->server, &out->server);
}

/* Before main, so that no thread has to ask whether it was done. */
__attribute__((constructor)) static void name_script(void)
{
    filter_redis_script_init(&rate_script);
}

/* ---- keys ---- */

static struct slice readable(struct arena *arena, struct slice key)
{
    char digest[SHA1_HEX_MAX];
    size_t name_len = slice_find_byte(key, '/');
    if (key.len <= PLAIN_KEY_MAX && slice_find(key, SLICE("header:")) == key.len &&
        slice_find(key, SLICE("claim:")) == key.len)
        return key;
    sha1_hex(key, digest);
    return arena_printf(arena, "%.*s/sha1:%s", SLICE_ARG(slice_sub(key, 0, name_len)), digest);
}

static struct slice key_of(struct arena *arena, const struct rate_redis *r,
                           const struct rate_ask *a)
{
    static const char *const kinds[] = {
        [RATE_FIXED_WINDOW] = "fixed",        [RATE_SLIDING_COUNTER] = "sliding",
        [RATE_SLIDING_LOG] = "log",           [RATE_TOKEN_BUCKET] = "token_bucket",
        [RATE_LEAKY_BUCKET] = "leaky_bucket",
    };
    struct slice rest = readable(arena, a->key);
    return arena_printf(arena, "%.*s:%s:%.*s/%.*s", SLICE_ARG(r->prefix),
                        kinds[a->limit->algorithm], SLICE_ARG(r->id), SLICE_ARG(rest));
}

/* ---- asking ---- */

static uint64_t size_of(const struct rate_limit *l)
{
    switch (l->algorithm) {
    case RATE_FIXED_WINDOW:
        return l->period;
    case RATE_SLIDING_COUNTER:
    case RATE_SLIDING_LOG:
        return l->window_ms;
    default:
        return l->per_unit_ns;
    }
}

static void write_args(struct arena *arena, const struct rate_ask *a, uint32_t cost,
                       struct slice args[RATE_SCRIPT_ARGS])
{
    const struct rate_limit *l = a->limit;
    args[0] = arena_printf(arena, "%d", (int)l->algorithm);
    args[1] = arena_printf(arena, "%" PRIu32, cost);
    args[2] = arena_printf(arena, "%" PRIu32, l->max);
    args[3] = arena_decimal(arena, size_of(l));
    args[4] = l->delays ? SLICE("1") : SLICE("0");
}

/* charge: costs are `cost`, and there need be no room. */
static void fill(struct arena *arena, const struct rate_redis *r, const struct rate_ask *asks,
                 unsigned count, const uint32_t *charge, struct filter_redis *ask)
{
    uint32_t words_count = count + NUMBER_ARGS + count * RATE_SCRIPT_ARGS;
    struct slice *words = arena_alloc(arena, words_count * sizeof(*words));
    struct slice *args = words + count + NUMBER_ARGS;
    words[count] = charge ? SLICE("charge") : SLICE("take");
    words[count + 1] = SLICE("");
    for (unsigned i = 0; i < count; i++) {
        words[i] = key_of(arena, r, &asks[i]);
        write_args(arena, &asks[i], charge ? *charge : asks[i].cost, args + i * RATE_SCRIPT_ARGS);
    }
    *ask = (struct filter_redis){.server = &r->server,
                                 .script = &rate_script,
                                 .words = words,
                                 .word_count = words_count,
                                 .key_count = count};
}

void rate_redis_take(struct filter_exchange *x, const struct rate_redis *r,
                     const struct rate_ask *asks, unsigned count, struct filter_redis *ask)
{
    fill(x->arena, r, asks, count, NULL, ask);
    x->host->redis(x, ask);
}

void rate_redis_charge(struct filter_exchange *x, const struct rate_redis *r,
                       const struct rate_ask *a, uint32_t cost)
{
    struct filter_redis ask;
    fill(x->arena, r, a, 1, &cost, &ask);
    x->host->redis_post(x, &ask);
}

/* ---- the answer ---- */

static bool read_verdict(const struct resp_value *reply, uint32_t at, struct rate_verdict *v)
{
    int64_t n[RATE_SCRIPT_RESULTS];
    for (uint32_t i = 0; i < RATE_SCRIPT_RESULTS; i++)
        if (!resp_value_integer(reply, at + i, &n[i]))
            return false;
    *v = (struct rate_verdict){.is_allowed = n[0] == 1,
                               .remaining = n[1] > 0 ? (uint32_t)n[1] : 0,
                               .reset_ms = n[2] > 0 ? (uint64_t)n[2] : 0,
                               .retry_ms = n[3] < 0 ? UINT64_MAX : (uint64_t)n[3],
                               .delay_ms = n[4] > 0 ? (uint64_t)n[4] : 0};
    return true;
}

bool rate_redis_read(const struct filter_redis *ask, struct rate_ask *asks, unsigned count,
                     bool *is_allowed)
{
    *is_allowed = true;
    for (unsigned i = 0; i < count; i++) {
        if (ask->failed || !read_verdict(ask->reply, i * RATE_SCRIPT_RESULTS, &asks[i].verdict))
            return false;
        *is_allowed &= asks[i].verdict.is_allowed;
    }
    return true;
}
