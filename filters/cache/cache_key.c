/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/cache/cache_key.h"

#include <inttypes.h>

#include "filters/caller/credential_query.h"
#include "lib/codec/http/cookie.h"
#include "lib/codec/http/match.h"
#include "lib/codec/http/normalize.h"

/* ---- text ---- */

/* What is behind a length cannot be taken for anything else. */
static void add(struct buf *key, struct arena *arena, const char *what, struct slice value)
{
    struct slice head = arena_printf(arena, "\n%s %zu:", what, value.len);
    buf_append_slice(key, head);
    buf_append_slice(key, value);
}

static bool find_cookie(const struct headers *h, struct slice name, struct slice *value)
{
    struct cookie_walk walk = cookie_walk_of(h);
    struct cookie one;
    while (cookie_walk_next(&walk, &one))
        if (slice_eq(one.name, name)) {
            *value = one.value;
            return true;
        }
    return false;
}

/* ---- the key ---- */

/* As the backend is told. */
static struct slice scheme_of(const struct filter_exchange *x)
{
    struct slice told = headers_get_id(&x->request->headers, HEADER_X_FORWARDED_PROTO);
    return told.len ? told : x->downstream->is_tls ? SLICE("https") : SLICE("http");
}

/* What backends may take for another host, path or method than the request has: whoever sends one
 * gets responses of his own, and cannot put them before others. */
static bool overrides(const struct header *h)
{
    static const struct slice names[] = {
        SLICE("x-original-url"),         SLICE("x-rewrite-url"),    SLICE("x-host"),
        SLICE("x-http-method-override"), SLICE("x-method-override"), SLICE("x-http-method"),
        SLICE("x-forwarded-prefix"),     SLICE("x-forwarded-server"), SLICE("x-original-host")};
    if (h->id != HEADER_OTHER || !h->name.len || h->name.ptr[0] != 'x')
        return false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq(h->name, names[i]))
            return true;
    return false;
}

static void add_overrides(struct buf *key, struct filter_exchange *x)
{
    const struct headers *h = &x->request->headers;
    for (uint32_t i = 0; i < h->count; i++) {
        const struct header *one = &h->items[i];
        bool is_host = one->id == HEADER_X_FORWARDED_HOST &&
                       !slice_eq(one->value, x->original_authority);
        if (!is_host && !overrides(one))
            continue;
        add(key, x->arena, "override", one->name);
        add(key, x->arena, "is", one->value);
    }
}

static void add_headers(struct buf *key, struct filter_exchange *x, const struct cache_conf *c)
{
    const struct headers *h = &x->request->headers;
    for (uint32_t i = 0; i < c->header_count; i++)
        for (uint32_t j = 0; j < h->count; j++)
            if (slice_eq(h->items[j].name, c->headers[i])) {
                add(key, x->arena, "header", c->headers[i]);
                add(key, x->arena, "is", h->items[j].value);
            }
}

static void add_cookies(struct buf *key, struct filter_exchange *x, const struct cache_conf *c)
{
    struct slice value;
    for (uint32_t i = 0; i < c->cookie_count; i++)
        if (find_cookie(&x->request->headers, c->cookies[i], &value)) {
            add(key, x->arena, "cookie", c->cookies[i]);
            add(key, x->arena, "is", value);
        }
}

bool cache_key_has_caller(const struct filter_exchange *x)
{
    const struct filter_caller *who = x->caller;
    return who && !who->is_anonymous &&
           (who->consumer_id.len || who->principal.len || who->username.len ||
            who->credential_id.len);
}

/* All that tells one caller from another. */
static void add_caller(struct buf *key, struct filter_exchange *x)
{
    const struct filter_caller *who = x->caller;
    if (!cache_key_has_caller(x))
        return;
    add(key, x->arena, "consumer", who->consumer_id);
    add(key, x->arena, "principal", who->principal);
    add(key, x->arena, "user", who->username);
    if (!who->consumer_id.len && !who->principal.len)
        add(key, x->arena, "credential", who->credential_id);
}

static struct slice path_of(struct filter_exchange *x, const struct cache_conf *c,
                            struct slice path)
{
    return c->ignored_count ? credential_query_remove(x->arena, path, c->ignored, c->ignored_count)
                            : path;
}

struct slice cache_key_of(struct filter_exchange *x, const struct cache_conf *c)
{
    const struct message *m = x->request;
    struct slice scheme = scheme_of(x), path = path_of(x, c, x->original_path);
    struct buf key;
    buf_init(&key);
    buf_append_slice(&key, scheme);
    buf_append_slice(&key, SLICE("://"));
    buf_append_slice(&key, arena_copy_lower(x->arena, x->original_authority));
    buf_append_slice(&key, path);
    add(&key, x->arena, "route", x->route);
    if (!slice_eq(m->path, x->original_path) || !slice_eq(m->authority, x->original_authority)) {
        add(&key, x->arena, "host", m->authority);
        add(&key, x->arena, "path", path_of(x, c, m->path));
    }
    add_overrides(&key, x);
    add_headers(&key, x, c);
    add_cookies(&key, x, c);
    if (c->by_consumer)
        add_caller(&key, x);
    return buf_take_into(&key, x->arena);
}

/* ---- requests that have nothing to do with it ---- */

/* By any reading of the path. */
static bool is_below(const struct filter_exchange *x, struct slice prefix)
{
    bool any = match_path_prefix(prefix, x->match_path, false);
    for (uint32_t i = 0; x->other_paths && i < x->other_paths->count; i++)
        any |= match_path_prefix(prefix, x->other_paths->paths[i], false);
    return any;
}

static bool is_described(struct filter_exchange *x, const struct cache_bypass *b)
{
    struct slice ignored;
    if (b->header.len)
        return headers_find(&x->request->headers, b->header) != NULL;
    if (b->cookie.len)
        return find_cookie(&x->request->headers, b->cookie, &ignored);
    if (b->path_prefix.len)
        return is_below(x, b->path_prefix);
    struct credential_query found = {0};
    credential_query_find(x->arena, x->original_path, &b->query, 1, &found);
    return found.count > 0;
}

bool cache_key_is_bypassed(struct filter_exchange *x, const struct cache_conf *c)
{
    for (uint32_t i = 0; i < c->bypass_count; i++)
        if (is_described(x, &c->bypasses[i]))
            return true;
    return false;
}

/* ---- variants ---- */

struct slice cache_key_vary(struct arena *arena, const struct headers *response)
{
    struct slice all = SLICE("");
    for (uint32_t i = 0; i < response->count; i++) {
        struct slice rest = response->items[i].value, one;
        while (response->items[i].id == HEADER_VARY && slice_split(&rest, ',', &one)) {
            one = slice_trim(one);
            if (one.len)
                all = arena_printf(arena, "%.*s%s%.*s", SLICE_ARG(all), all.len ? "," : "",
                                   SLICE_ARG(arena_copy_lower(arena, one)));
        }
    }
    return all;
}

/* All fields of that name as one list, without white space around its items (RFC 9111 §4.1). */
static struct slice value_of(struct arena *arena, const struct headers *h, struct slice name)
{
    struct buf all;
    buf_init(&all);
    bool is_coding = slice_eq_cstr(name, "accept-encoding");
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice rest = h->items[i].value, one;
        if (!slice_eq(h->items[i].name, name))
            continue;
        buf_append_slice(&all, all.len ? SLICE(",") : SLICE("="));
        while (slice_split(&rest, ',', &one)) {
            one = slice_trim(one);
            buf_append_slice(&all, is_coding ? arena_copy_lower(arena, one) : one);
            buf_append_slice(&all, rest.ptr ? SLICE(",") : SLICE(""));
        }
    }
    return buf_take_into(&all, arena);
}

struct slice cache_key_variant(struct arena *arena, struct slice key, uint64_t edition,
                               struct slice vary, const struct headers *request)
{
    struct buf text;
    struct slice name;
    buf_init(&text);
    buf_append_slice(&text, key);
    buf_append_slice(&text, arena_printf(arena, "\nedition %" PRIu64, edition));
    while (slice_split(&vary, ',', &name)) {
        add(&text, arena, "vary", name);
        add(&text, arena, "is", value_of(arena, request, name));
    }
    return buf_take_into(&text, arena);
}
