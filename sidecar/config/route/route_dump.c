/* Writing route tables as JSON: what matches, where it goes, and how long it may take.
 * Any thread; reads what is immutable. Must not know who asks.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/route_dump.h"

#include "filters/filter.h"
#include "sidecar/config/route/route_hosts.h"

static void put_true(struct json_write *w, const char *key, bool value)
{
    if (!value)
        return;
    json_write_key(w, key);
    json_write_bool(w, true);
}

void route_dump_match(struct json_write *w, const struct string_match *m)
{
    static const char *const kinds[] = {
        [MATCH_ANY] = "any",
        [MATCH_EXACT] = "exact",
        [MATCH_PREFIX] = "prefix",
        [MATCH_SUFFIX] = "suffix",
        [MATCH_REGEX] = "regex",
        [MATCH_PRESENT] = "present",
        [MATCH_PATH_PREFIX] = "path_prefix",
    };
    json_write_object(w);
    json_write_field(w, kinds[m->kind], m->text);
    put_true(w, "ignore_case", m->ignore_case);
    put_true(w, "invert", m->invert);
    json_write_object_end(w);
}

static void put_named(struct json_write *w, const char *key, const struct named_match *items,
                      uint16_t count)
{
    if (count == 0)
        return;
    json_write_key(w, key);
    json_write_array(w);
    for (uint16_t i = 0; i < count; i++) {
        json_write_object(w);
        json_write_field(w, "name", items[i].name);
        json_write_key(w, "value");
        route_dump_match(w, &items[i].value);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

void route_dump_chain(struct json_write *w, const struct filter_chain *chain)
{
    json_write_array(w);
    for (uint32_t i = 0; chain && i < chain->count; i++) {
        const struct filter_entry *e = &chain->entries[i];
        json_write_string(w, filter_entry_owner(e).len ? e->id : slice_from_cstr(e->filter->name));
    }
    json_write_array_end(w);
}

static void put_backends(struct json_write *w, const struct route_conf *r)
{
    json_write_key(w, "backends");
    json_write_array(w);
    for (uint16_t i = 0; i < r->backend_count; i++) {
        const struct backend_conf *b = &r->backends[i];
        json_write_object(w);
        json_write_key(w, "cluster");
        if (b->cluster)
            json_write_string(w, b->cluster->name);
        else
            json_write_null(w);
        json_write_key(w, "weight");
        json_write_i64(w, b->weight);
        if (b->chain) {
            json_write_key(w, "filters");
            route_dump_chain(w, b->chain);
        }
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void put_timing(struct json_write *w, const struct route_conf *r)
{
    json_write_field_u64(w, "request_timeout_ms", r->timeouts.request_ms);
    json_write_field_u64(w, "backend_timeout_ms", r->timeouts.backend_ms);
    json_write_field_u64(w, "idle_timeout_ms", r->timeouts.idle_ms);
    json_write_field_u64(w, "retry_attempts", r->retry.attempts);
    json_write_field_u64(w, "retry_per_try_timeout_ms", r->retry.per_try_timeout_ms);
    json_write_field_u64(w, "retry_budget_percent",
                         r->retry.attempts ? r->retry.budget_percent : 0);
}

/* Without the key. */
static void put_persistence(struct json_write *w, const struct route_conf *r)
{
    const struct persistence_conf *p = r->persistence;
    if (!p)
        return;
    json_write_key(w, "session_persistence");
    json_write_object(w);
    json_write_field(w, p->is_header ? "header" : "cookie", r->persistence_name);
    json_write_field_u64(w, "absolute_timeout_s", p->absolute_s);
    json_write_field_u64(w, "idle_timeout_s", p->idle_s);
    put_true(w, "permanent", p->is_permanent);
    json_write_object_end(w);
}

static void put_claims(struct json_write *w, const struct route_conf *r)
{
    if (!r->claim_count)
        return;
    json_write_key(w, "claims");
    json_write_array(w);
    for (uint16_t i = 0; i < r->claim_count; i++) {
        json_write_object(w);
        json_write_field(w, "name", r->claims[i].text);
        json_write_key(w, "value");
        route_dump_match(w, &r->claims[i].value);
        json_write_object_end(w);
    }
    json_write_array_end(w);
}

static void put_route(struct json_write *w, const struct route_conf *r)
{
    json_write_object(w);
    json_write_field(w, "name", r->name);
    json_write_key(w, "path");
    route_dump_match(w, &r->path);
    if (r->method.len)
        json_write_field(w, "method", r->method);
    put_named(w, "headers", r->headers, r->header_count);
    put_named(w, "query", r->query, r->query_count);
    put_claims(w, r);
    if (r->chain) {
        json_write_key(w, "filters");
        route_dump_chain(w, r->chain);
    }
    json_write_field_u64(w, "direct_status", r->direct_status);
    put_backends(w, r);
    put_timing(w, r);
    put_persistence(w, r);
    json_write_object_end(w);
}

static void put_host(struct json_write *w, const struct route_table *t, const char *star,
                     struct slice name, struct route_range range)
{
    char text[300];
    size_t at = strlen(star);
    memcpy(text, star, at);
    name = slice_sub(name, 0, sizeof(text) - at);
    if (name.len)
        memcpy(text + at, name.ptr, name.len);
    json_write_object(w);
    json_write_field(w, "host", slice_of(text, at + name.len));
    json_write_key(w, "routes");
    json_write_array(w);
    for (uint32_t i = 0; i < range.count; i++)
        put_route(w, &t->routes[range.first + i]);
    json_write_array_end(w);
    json_write_object_end(w);
}

static void put_hosts(struct json_write *w, const struct route_table *t, const struct lookup *l,
                      const char *star)
{
    for (size_t i = 0; i <= l->mask; i++) {
        const struct route_host *host = l->slots[i].item;
        if (host)
            put_host(w, t, star, host->name, host->routes);
    }
}

void route_dump_table(struct json_write *w, const struct route_table *t)
{
    json_write_array(w);
    if (t) {
        put_hosts(w, t, &t->hosts->exact, "");
        put_hosts(w, t, &t->hosts->suffixes, "*");
        if (t->hosts->has_any)
            put_host(w, t, "*", SLICE(""), t->hosts->any);
    }
    json_write_array_end(w);
}
