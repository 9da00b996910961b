/* connectionLimit: how many requests of one client may be under way at once, as nginx's limit_conn:
 * from the head of the request to the end of the response, and as long as a WebSocket or tunnel
 * lasts. So each stream of HTTP/2 counts by itself, and an idle connection does not count.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"

#include "filters/rate/in_flight.h"
#include "filters/rate/rate_key.h"
#include "filters/refusal.h"
#include "lib/base/map.h"

extern const struct filter filter_connection_limit;

/* ---- what users write ---- */

struct connection_limit_spec {
    int64_t max, ipv6_prefix;
    struct schema_list by; /* struct rate_by_spec */
    struct rate_refusal_spec refusal;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct connection_limit_spec, max, "max", INT,
                 "How many requests may be under way at once.", .flags = SCHEMA_REQUIRED, .min = 1,
                 .max = 1000000),
    SCHEMA_FIELD(struct connection_limit_spec, by, "by", LIST,
                 "What they are told apart by; all parts together. Without it, by IP.", .min = 1,
                 .max = 8, .element = &rate_by_element),
    SCHEMA_FIELD(struct connection_limit_spec, ipv6_prefix, "ipv6PrefixLength", INT,
                 "How many bits of an IPv6 address tell clients apart.", .min = 1, .max = 128,
                 .fallback = 64),
    SCHEMA_FIELD(struct connection_limit_spec, refusal, "refusal", INLINE,
                 "The answer to what is refused. There are no placeholders.",
                 .object = &rate_refusal_schema),
    {0},
};

static const struct schema spec_schema = {
    .name = "ConnectionLimit",
    .doc = "How many requests of one client may be under way at once.",
    .size = sizeof(struct connection_limit_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

struct keep {
    struct filter_keep keep; /* first */
    struct rate_table *table;
};

struct conf {
    struct keep *keep;
    const struct rate_part *parts;
    unsigned part_count, ipv6_prefix, status;
    uint32_t max;
    struct slice content_type, body;
};

struct ctx {
    uint64_t key;
    bool is_counted;
};

static void begin_keep(struct filter_keep *keep)
{
    ((struct keep *)(void *)keep)->table = rate_table_create(RATE_TABLE_CELLS);
}

static void end_keep(struct filter_keep *keep)
{
    rate_table_destroy(((struct keep *)(void *)keep)->table);
}

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct connection_limit_spec *s = spec;
    struct conf *c = conf;
    *c = (struct conf){.keep = filter_keep(b, sizeof(struct keep), begin_keep, end_keep),
                       .ipv6_prefix = (unsigned)s->ipv6_prefix,
                       .status = (unsigned)s->refusal.status,
                       .max = (uint32_t)s->max,
                       .content_type = s->refusal.content_type,
                       .body = s->refusal.body};
    c->parts = rate_key_parts(b->arena, &s->by, RATE_BY_IP, &c->part_count);
    return ERR_OK;
}

static struct slice describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "at most %u at once by%.*s", (unsigned)c->max,
                        SLICE_ARG(rate_key_describe(arena, c->parts, c->part_count)));
}

/* ---- hooks ---- */

enum { ALLOWED, LIMITED, EVICTED };
static const char *const events[] = {"allowed", "limited", "evicted", NULL};

static const struct fail_info fails[] = {
    {.label = FAIL_TEXT("connection_limited"),
     .http_status = 429,
     .grpc_status = 8,
     .flag = FAIL_TEXT("RL"),
     .text = FAIL_TEXT("too many requests of this client are under way")},
};

static enum filter_verdict refuse(struct filter_exchange *x, const struct conf *c)
{
    struct message *m =
        refusal_answer(x, &fails[0], SLICE(""), c->status, c->content_type, c->body);
    headers_set_id(&m->headers, HEADER_RETRY_AFTER, SLICE("1"));
    return FILTER_REPLY;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    struct ctx *own = ctx;
    unsigned evicted = 0;
    own->key = map_hash(rate_key_of(x, c->parts, c->part_count, c->ipv6_prefix));
    own->is_counted =
        in_flight_enter(c->keep->table, own->key, x->host->now_ms(x), c->max, &evicted);
    if (evicted)
        x->host->count(x, &filter_connection_limit, EVICTED);
    x->host->count(x, &filter_connection_limit, own->is_counted ? ALLOWED : LIMITED);
    return own->is_counted ? FILTER_NEXT : refuse(x, c);
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct conf *c = conf;
    const struct ctx *own = ctx;
    if (own->is_counted)
        in_flight_leave(c->keep->table, own->key, x->host->now_ms(x));
}

const struct filter filter_connection_limit = {
    .name = "connectionLimit",
    .doc = "Limits how many requests of one client may be under way at once.",
    .phase = FILTER_PHASE_LIMIT,
    .spec = &spec_schema,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .prepare = prepare,
    .on_request = on_request,
    .on_end = on_end,
    .describe = describe,
    .events = events,
    .fails = fails,
    .fail_count = sizeof(fails) / sizeof(fails[0]),
};
