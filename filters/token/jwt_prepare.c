/* From the specification of jwt to what tokens are checked by. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/jwt.h"

#include "filters/token/jwt_cache.h"
#include "lib/codec/http/normalize.h"
#include "lib/jose/jose_alg.h"

static struct jwt_texts take_texts(const struct filter_build *b, const struct schema_list *from)
{
    struct slice *items = arena_alloc(b->arena, (from->count + 1) * sizeof(*items));
    struct jwt_texts to = {.items = items};
    for (SCHEMA_EACH(*from, struct slice, text))
        items[to.count++] = *text;
    return to;
}

/* ---- keys and algorithms ---- */

static enum err take_keys(const struct filter_build *b, struct jwt_cache *cache,
                          const struct jwt_provider_spec *from, struct jwt_provider *to)
{
    char why[JWK_WHY_MAX];
    const struct jwt_keys_spec *keys = from->keys;
    if (from->consumers) {
        to->is_of_consumers = true;
        to->scope = consumer_scope_read(b->arena, from->consumers->value);
        return ERR_OK;
    }
    if (keys->remote) {
        to->source = jwt_source_of(&cache->sources, &cache->keep, keys->remote->name,
                                   keys->remote->value, (uint32_t)keys->timeout_ms);
        to->cache_ms = (uint64_t)keys->cache_ms;
        return ERR_OK;
    }
    struct slice text = keys->secret       ? keys->secret->value
                        : keys->config_map ? keys->config_map->value
                                           : keys->inline_keys;
    enum jwk_trust trust = keys->secret ? JWK_SECRET : JWK_PUBLIC_ONLY;
    if (!text.ptr)
        return filter_refuse(b, "the keys of %.*s are not there", SLICE_ARG(from->issuer));
    if (jwk_set_parse(text, trust, b->arena, &to->keys, why))
        return filter_refuse(b, "jwks of %.*s %s", SLICE_ARG(from->issuer), why);
    if (!to->keys.count)
        return filter_refuse(b, "jwks of %.*s has no key of use%s%s", SLICE_ARG(from->issuer),
                             to->keys.unused ? ": " : "", to->keys.unused_why);
    return ERR_OK;
}

/* Symmetric and public keys are never mixed up: an algorithm needs a key of its kind. */
unsigned jwt_prepare_algorithms(const struct schema_list *from)
{
    unsigned algs = 0;
    for (SCHEMA_EACH(*from, int, index))
        algs |= JOSE_ALG_BIT(jose_alg_find(slice_from_cstr(jwt_algorithm_names[*index])));
    return from->count ? algs : JOSE_ALGS_PUBLIC | JOSE_ALGS_HMAC;
}

/* ---- places ---- */

static void add_place(struct jwt_place *items, struct jwt_place_list *to, struct jwt_place place)
{
    to->items = items;
    if (!jwt_place_is_in(to, &place))
        items[to->count++] = place;
}

static void take_places(const struct filter_build *b, const struct jwt_provider_spec *from,
                        struct jwt_provider *to)
{
    size_t max = from->from_headers.count + from->from_params.count + from->from_cookies.count;
    struct jwt_place *items = arena_alloc(b->arena, (max + 1) * sizeof(*items));
    for (SCHEMA_EACH(from->from_headers, struct jwt_header_spec, h))
        add_place(items, &to->places,
                  (struct jwt_place){JWT_IN_HEADER, arena_copy_lower(b->arena, h->name),
                                     h->prefix});
    for (SCHEMA_EACH(from->from_params, struct slice, name))
        add_place(items, &to->places, (struct jwt_place){JWT_IN_PARAM, *name, {0}});
    for (SCHEMA_EACH(from->from_cookies, struct slice, name))
        add_place(items, &to->places, (struct jwt_place){JWT_IN_COOKIE, *name, {0}});
    if (!max)
        add_place(items, &to->places,
                  (struct jwt_place){JWT_IN_HEADER, SLICE("authorization"), SLICE("Bearer ")});
}

static void join_places(const struct filter_build *b, struct jwt_conf *c)
{
    size_t max = 0;
    for (size_t i = 0; i < c->provider_count; i++)
        max += c->providers[i].places.count;
    struct jwt_place *items = arena_alloc(b->arena, max * sizeof(*items));
    for (size_t i = 0; i < c->provider_count; i++)
        for (size_t j = 0; j < c->providers[i].places.count; j++)
            add_place(items, &c->places, c->providers[i].places.items[j]);
}

/* ---- claims ---- */

const struct jwt_claim_rule *jwt_prepare_rules(const struct filter_build *b,
                                               const struct schema_list *from)
{
    struct jwt_claim_rule *rules = arena_alloc(b->arena, (from->count + 1) * sizeof(*rules));
    size_t count = 0;
    for (SCHEMA_EACH(*from, struct jwt_claim_spec, rule))
        rules[count++] = (struct jwt_claim_rule){rule->claim, take_texts(b, &rule->values)};
    return rules;
}

enum err jwt_prepare_header(const struct filter_build *b, struct jwt_claim_header *items,
                            size_t *count, struct slice name, struct slice claim)
{
    struct slice lower = arena_copy_lower(b->arena, name);
    for (size_t i = 0; i < *count; i++)
        if (slice_eq(items[i].header, lower))
            return filter_refuse(b, "header %.*s is to be set twice", SLICE_ARG(name));
    items[(*count)++] = (struct jwt_claim_header){lower, claim};
    return ERR_OK;
}

static enum err take_headers(const struct filter_build *b, const struct jwt_provider_spec *from,
                             struct jwt_provider *to)
{
    struct jwt_claim_header *items =
        arena_alloc(b->arena, (from->claim_headers.count + 1) * sizeof(*items));
    enum err e = ERR_OK;
    to->headers = items;
    for (SCHEMA_EACH(from->claim_headers, struct jwt_claim_header_spec, h))
        e = e ? e : jwt_prepare_header(b, items, &to->header_count, h->header, h->claim);
    if (!e && from->payload_header.len)
        e = jwt_prepare_header(b, items, &to->header_count, from->payload_header,
                               (struct slice){0});
    return e;
}

/* ---- the whole ---- */

static enum err take_provider(const struct filter_build *b, struct jwt_cache *cache,
                              const struct jwt_provider_spec *from, struct jwt_provider *to)
{
    *to = (struct jwt_provider){.issuer = from->issuer,
                                .audiences = take_texts(b, &from->audiences),
                                .algorithms = jwt_prepare_algorithms(&from->algorithms),
                                .forward = from->forward,
                                .needs_expiry = from->needs_expiry,
                                .clock_skew_ms = from->clock_skew_ms,
                                .scopes = take_texts(b, &from->scopes)};
    take_places(b, from, to);
    to->rules = jwt_prepare_rules(b, &from->required_claims);
    to->rule_count = from->required_claims.count;
    enum err e = take_headers(b, from, to);
    return e ? e : take_keys(b, cache, from, to);
}

static enum err check_paths(const struct filter_build *b, const struct jwt_texts *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        if (!slice_eq(normalize_path(b->arena, paths->items[i]), paths->items[i]))
            return filter_refuse(b, "excluded path %.*s would never match: it must begin with / "
                                    "and have no escapes, no ;, no // and no dot segments",
                                 SLICE_ARG(paths->items[i]));
    return ERR_OK;
}

enum err jwt_prepare(const struct filter_build *b, const void *spec, void *conf)
{
    const struct jwt_spec *from = spec;
    struct jwt_conf *to = conf;
    struct jwt_provider *providers =
        arena_zalloc(b->arena, from->providers.count * sizeof(*providers));
    enum err e = ERR_OK;
    to->cache = filter_keep(b, sizeof(*to->cache), NULL, jwt_cache_dispose);
    to->generation = 1 + atomic_fetch_add(&to->cache->generations, 1);
    to->providers = providers;
    for (SCHEMA_EACH(from->providers, struct jwt_provider_spec, p))
        e = e ? e : take_provider(b, to->cache, p, &providers[to->provider_count++]);
    if (e)
        return e;
    join_places(b, to);
    to->excluded_paths = take_texts(b, &from->excluded_paths);
    to->is_optional = from->is_optional;
    to->runs_on_preflight = from->runs_on_preflight;
    to->realm = from->realm;
    to->errors = (enum jwt_errors)from->errors;
    return check_paths(b, &to->excluded_paths);
}
