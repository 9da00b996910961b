/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_conf.h"

#include "filters/shape/status_range.h"
#include "lib/schema/schema_format.h"

#define OBJECT_MAX (INT64_C(64) << 20)
#define SIZE_MIN (INT64_C(1) << 20)
#define SIZE_MOST (INT64_C(64) << 30)

/* ---- what users write ---- */

struct ttl_spec {
    struct schema_list statuses; /* struct slice */
    int64_t fresh_ms;
};

struct key_spec {
    struct schema_list headers, cookies, ignored; /* struct slice */
    bool consumer;
};

struct cache_spec {
    struct schema_list ttl;    /* struct ttl_spec */
    struct schema_list bypass; /* struct cache_bypass */
    struct key_spec key;
    int origin, client;
    int64_t max_size, max_object; /* thousandths of a byte */
    int64_t revalidate_ms, error_ms, lock_ms;
    struct slice status_header;
    bool cache_status;
};

static const struct schema_field status_element = {.type = SCHEMA_STRING, .min = 3, .max = 7};
static const struct schema_field header_element = {.type = SCHEMA_STRING,
                                                   .format = &schema_format_header_name};
static const struct schema_field name_element = {.type = SCHEMA_STRING, .min = 1, .max = 128};

static const struct schema_field ttl_fields[] = {
    SCHEMA_FIELD(struct ttl_spec, statuses, "statuses", LIST,
                 "Which responses: \"200\", \"3xx\", \"400-404\".", .flags = SCHEMA_REQUIRED,
                 .min = 1, .max = 32, .element = &status_element),
    SCHEMA_FIELD(struct ttl_spec, fresh_ms, "for", DURATION, "How long they are fresh.",
                 .flags = SCHEMA_REQUIRED),
    {0},
};
static const struct schema ttl_schema = {
    .name = "CacheTTL",
    .doc = "For how long responses are fresh that do not say so themselves.",
    .size = sizeof(struct ttl_spec),
    .fields = ttl_fields,
};
static const struct schema_field ttl_element = {.type = SCHEMA_INLINE, .object = &ttl_schema};

static const struct schema_field key_fields[] = {
    SCHEMA_FIELD(struct key_spec, headers, "headers", LIST,
                 "Headers of the request by whose values responses differ, although they do not "
                 "say so in Vary.",
                 .max = 16, .element = &header_element),
    SCHEMA_FIELD(struct key_spec, cookies, "cookies", LIST, "The same of cookies.", .max = 16,
                 .element = &name_element),
    SCHEMA_FIELD(struct key_spec, ignored, "ignoredQueryParameters", LIST,
                 "Parameters by which responses do not differ, such as utm_source. The backend "
                 "gets them all the same.",
                 .max = 64, .element = &name_element),
    SCHEMA_FIELD(struct key_spec, consumer, "consumer", BOOL,
                 "Each authenticated caller has responses of its own. Without it, a response to "
                 "one is kept only if it says that it is for all (RFC 9111 §3.5)."),
    {0},
};
static const struct schema key_schema = {
    .name = "CacheKey",
    .doc = "What responses are found by, beside scheme, host, path, query and route.",
    .size = sizeof(struct key_spec),
    .fields = key_fields,
};

static const struct schema_field bypass_fields[] = {
    SCHEMA_FIELD(struct cache_bypass, header, "header", STRING, "It has this header.",
                 .format = &schema_format_header_name),
    SCHEMA_FIELD(struct cache_bypass, cookie, "cookie", STRING, "It has this cookie.", .min = 1,
                 .max = 128),
    SCHEMA_FIELD(struct cache_bypass, query, "queryParameter", STRING,
                 "It has this query parameter.", .min = 1, .max = 128),
    SCHEMA_FIELD(struct cache_bypass, path_prefix, "pathPrefix", STRING,
                 "Its path is this, or below it.", .format = &schema_format_path),
    {0},
};
static const struct schema bypass_schema = {
    .name = "CacheBypass",
    .doc = "Requests that have nothing to do with the cache.",
    .size = sizeof(struct cache_bypass),
    .fields = bypass_fields,
};
static const struct schema_field bypass_element = {.type = SCHEMA_INLINE,
                                                   .object = &bypass_schema};

static const char *const origins[] = {[CACHE_IGNORE] = "Ignore", [CACHE_HONOR] = "Honor", NULL};
static const char *const clients[] = {
    [CACHE_IGNORE] = "Ignore", [CACHE_HONOR] = "Honor", [CACHE_BYPASS] = "Bypass", NULL};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct cache_spec, ttl, "ttl", LIST,
                 "For how long responses are fresh that do not say so themselves, by status. The "
                 "first that names a status counts. Others are kept only if they say how long.",
                 .max = 32, .element = &ttl_element),
    SCHEMA_FIELD(struct cache_spec, origin, "originCacheControl", ENUM,
                 "Whether Cache-Control and Expires of a response decide. With Ignore, `ttl` alone "
                 "does.",
                 .choices = origins, .fallback = CACHE_HONOR),
    SCHEMA_FIELD(struct cache_spec, client, "clientCacheControl", ENUM,
                 "What Cache-Control (or Pragma) of a request does: nothing; what RFC 9111 says; "
                 "or whatever it says, the backend answers.",
                 .choices = clients, .fallback = CACHE_IGNORE),
    SCHEMA_FIELD(struct cache_spec, key, "key", INLINE, "What responses are found by.",
                 .object = &key_schema),
    SCHEMA_FIELD(struct cache_spec, bypass, "bypass", LIST,
                 "Requests that any of these describes go to the backend, and the responses are "
                 "not kept.",
                 .max = 32, .element = &bypass_element),
    SCHEMA_FIELD(struct cache_spec, max_size, "maxSize", QUANTITY,
                 "Memory for responses, in bytes: 1Mi to 64Gi. Above it, what is used least goes.",
                 .fallback = (INT64_C(64) << 20) * 1000),
    SCHEMA_FIELD(struct cache_spec, max_object, "maxObjectSize", QUANTITY,
                 "A longer response is not kept: at most 64Mi, and `maxSize`.",
                 .fallback = (INT64_C(1) << 20) * 1000),
    SCHEMA_FIELD(struct cache_spec, revalidate_ms, "staleWhileRevalidate", DURATION,
                 "How long a stale response is still sent, while it is fetched again in the "
                 "background. The response may say another time (RFC 5861)."),
    SCHEMA_FIELD(struct cache_spec, error_ms, "staleIfError", DURATION,
                 "How long a stale response is sent where the backend cannot be reached, or "
                 "answers 500, 502, 503 or 504. The response may say another time (RFC 5861)."),
    SCHEMA_FIELD(struct cache_spec, lock_ms, "lockTimeout", DURATION,
                 "One request fetches what is not there, and others for the same wait so long for "
                 "it. 0s: nobody waits.",
                 .fallback = 5000),
    SCHEMA_FIELD(struct cache_spec, status_header, "statusHeader", STRING,
                 "The header that says what the cache did: MISS, HIT, EXPIRED, STALE, UPDATING, "
                 "REVALIDATED or BYPASS. Empty: none.",
                 .max = 128, .text = "X-Cache-Status"),
    SCHEMA_FIELD(struct cache_spec, cache_status, "cacheStatus", BOOL,
                 "Say so in Cache-Status (RFC 9211), too."),
    {0},
};

const struct schema cache_spec_schema = {
    .name = "Cache",
    .doc = "Which responses are kept and sent again (RFC 9111): those to GET, without Set-Cookie, "
           "that say how long they are fresh or have a status in `ttl`.",
    .size = sizeof(struct cache_spec),
    .fields = fields,
};

/* ---- what is made of it ---- */

/* Below 200 nothing is a response that could be kept. */
static bool read_statuses(struct slice text, struct cache_ttl *to)
{
    uint64_t from, until;
    if (!status_range_read(text, &from, &until) || from < 200)
        return false;
    to->from = (uint16_t)from;
    to->to = (uint16_t)until;
    return true;
}

static enum err take_ttls(const struct filter_build *b, const struct cache_spec *s,
                          struct cache_rules *r)
{
    uint32_t count = 0, at = 0;
    for (SCHEMA_EACH(s->ttl, struct ttl_spec, each))
        count += (uint32_t)each->statuses.count;
    struct cache_ttl *all = arena_zalloc(b->arena, (count + 1) * sizeof(*all));
    r->ttls = all;
    for (SCHEMA_EACH(s->ttl, struct ttl_spec, of)) {
        uint32_t number = 0;
        for (SCHEMA_EACH(of->statuses, struct slice, text)) {
            if (!read_statuses(*text, &all[r->ttl_count]))
                return filter_refuse(b, "ttl[%u].statuses[%u]: \"%.*s\" is not a status such as "
                                        "\"200\", \"3xx\" or \"400-404\"",
                                     at, number, SLICE_ARG(*text));
            all[r->ttl_count++].fresh_ms = of->fresh_ms;
            number++;
        }
        at++;
    }
    return ERR_OK;
}

static enum err take_bypasses(const struct filter_build *b, const struct cache_spec *s,
                              struct cache_conf *c)
{
    struct cache_bypass *all = arena_zalloc(b->arena, (s->bypass.count + 1) * sizeof(*all));
    c->bypasses = all;
    for (SCHEMA_EACH(s->bypass, struct cache_bypass, one)) {
        unsigned said = !!one->header.len + !!one->cookie.len + !!one->query.len +
                        !!one->path_prefix.len;
        if (said != 1)
            return filter_refuse(b, "bypass[%u]: needs one of header, cookie, queryParameter and "
                                    "pathPrefix",
                                 c->bypass_count);
        all[c->bypass_count] = *one;
        all[c->bypass_count++].header = arena_copy_lower(b->arena, one->header);
    }
    return ERR_OK;
}

static const struct slice *lower(struct arena *arena, const struct schema_list *names)
{
    struct slice *all = arena_zalloc(arena, (names->count + 1) * sizeof(*all));
    for (size_t i = 0; i < names->count; i++)
        all[i] = arena_copy_lower(arena, *SCHEMA_AT(*names, struct slice, i));
    return all;
}

static void take_key(const struct filter_build *b, const struct key_spec *s, struct cache_conf *c)
{
    c->headers = lower(b->arena, &s->headers);
    c->header_count = (uint32_t)s->headers.count;
    c->cookies = s->cookies.items;
    c->cookie_count = (uint32_t)s->cookies.count;
    c->ignored = s->ignored.items;
    c->ignored_count = (uint32_t)s->ignored.count;
    c->by_consumer = s->consumer;
}

static enum err check_sizes(const struct filter_build *b, const struct cache_spec *s)
{
    int64_t size = s->max_size / 1000, object = s->max_object / 1000;
    if (size < SIZE_MIN || size > SIZE_MOST)
        return filter_refuse(b, "maxSize: must be between 1Mi and 64Gi");
    if (object < 1 || object > OBJECT_MAX || object > size)
        return filter_refuse(b, "maxObjectSize: must be between 1 and 64Mi, and not above maxSize");
    if (s->status_header.len && !message_name_is_valid(s->status_header))
        return filter_refuse(b, "statusHeader: is not the name of a header");
    return ERR_OK;
}

enum err cache_conf_prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct cache_spec *s = spec;
    struct cache_conf *c = conf;
    enum err e = check_sizes(b, s);
    e = e ? e : take_ttls(b, s, &c->rules);
    e = e ? e : take_bypasses(b, s, c);
    if (e)
        return e;
    if (s->origin == CACHE_IGNORE && !c->rules.ttl_count)
        return filter_refuse(b, "originCacheControl: with Ignore nothing is kept without ttl");
    c->rules.ignores_origin = s->origin == CACHE_IGNORE;
    c->rules.revalidate_ms = s->revalidate_ms;
    c->rules.error_ms = s->error_ms;
    c->client = (enum cache_obeys)s->client;
    take_key(b, &s->key, c);
    c->max_bytes = s->max_size / 1000;
    c->object_max = (size_t)(s->max_object / 1000);
    c->lock_ms = (uint32_t)(s->lock_ms < UINT32_MAX ? s->lock_ms : UINT32_MAX);
    c->status_header = arena_copy_lower(b->arena, s->status_header);
    c->says_cache_status = s->cache_status;
    c->store = filter_keep(b, sizeof(*c->store), cache_store_init, cache_store_dispose);
    return ERR_OK;
}

struct slice cache_conf_describe(struct arena *arena, const void *conf, struct slice prefix)
{
    const struct cache_conf *c = conf;
    (void)prefix;
    return arena_printf(arena, "answers GET and HEAD from up to %lld MiB of kept responses%s",
                        (long long)(c->max_bytes >> 20),
                        c->by_consumer ? ", each caller from its own" : "");
}
