/* What of a request a cluster's balancer chooses by (hashOn): the first that it has. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>

#include "lib/base/rand.h"
#include "lib/codec/doc/doc.h"
#include "lib/codec/http/cookie.h"
#include "sidecar/exchange/exchange_priv.h"

static struct slice cookie_of(const struct headers *h, struct slice name)
{
    struct cookie_walk walk = cookie_walk_of(h);
    struct cookie cookie;
    while (cookie_walk_next(&walk, &cookie))
        if (slice_eq(cookie.name, name) && cookie.value.len)
            return cookie.value;
    return SLICE("");
}

/* One of its own for a client that has none; it goes with the response. */
static struct slice give_cookie(struct exchange *ex, const struct hash_on_conf *h)
{
    char *value = arena_alloc(&ex->arena, RAND_UUID_SIZE);
    rand_uuid(&ex->worker->rand, value);
    ex->given_cookie = arena_printf(&ex->arena, "%.*s=%s%.*s%s", SLICE_ARG(h->name), value,
                                    SLICE_ARG(h->attributes),
                                    ex->session->info.is_tls ? "; Secure" : "");
    return slice_of(value, RAND_UUID_SIZE - 1);
}

static struct slice parameter_of(struct slice query, struct slice name)
{
    struct slice item;
    while (slice_split(&query, '&', &item)) {
        size_t at = slice_find_byte(item, '=');
        if (at < item.len && slice_eq(slice_sub(item, 0, at), name))
            return slice_sub(item, at + 1, item.len);
    }
    return SLICE("");
}

static struct slice claim_of(struct exchange *ex, struct slice name)
{
    const struct doc *claims = exchange_claims(ex), *d = claims ? doc_get(claims, name) : NULL;
    if (d && d->type == DOC_STRING)
        return d->string;
    if (d && d->type == DOC_INT)
        return arena_printf(&ex->arena, "%" PRId64, d->integer);
    return SLICE("");
}

/* Somebody in particular. */
static struct slice consumer_of(const struct exchange *ex)
{
    const struct filter_caller *c = ex->view.caller;
    if (!c || c->is_anonymous)
        return SLICE("");
    return c->consumer_id.len ? c->consumer_id : c->credential_id.len ? c->credential_id
                                                                      : c->principal;
}

static struct slice value_of(struct exchange *ex, const struct hash_on_conf *h)
{
    const struct header *header;
    const struct addr *client = &ex->client.client;
    struct slice cookie;
    switch (h->source) {
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_HEADER:
        header = headers_find(&ex->request->headers, h->name);
        return header ? header->value : SLICE("");
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_COOKIE:
        cookie = cookie_of(&ex->request->headers, h->name);
        return cookie.len ? cookie : give_cookie(ex, h);
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_ADDRESS:
        return slice_of(client->ip, sizeof(client->ip));
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_QUERY:
        return parameter_of(message_query(ex->request), h->name);
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_PATH:
        return ex->match_path;
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_CONSUMER:
        return consumer_of(ex);
    case WEFT__CONFIG__V1__HASH_SOURCE__HASH_CLAIM:
        return claim_of(ex, h->name);
    default:
        return SLICE("");
    }
}

uint64_t exchange_hash(struct exchange *ex)
{
    const struct cluster_conf *to = ex->up.cluster->conf;
    struct slice value = SLICE("");
    for (uint32_t i = 0; !value.len && i < to->hash_on_count; i++)
        value = value_of(ex, &to->hash_on[i]);
    uint64_t key = value.len ? slice_hash(value) : rand_next(&ex->worker->rand);
    return key ? key : 1;
}
