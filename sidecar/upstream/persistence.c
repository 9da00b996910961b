/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/upstream/persistence.h"

#include "lib/base/rand.h"
#include "lib/codec/text/base64url.h"
#include "lib/tls/seal.h"
#include "sidecar/upstream/balancer.h"

_Static_assert(PERSISTENCE_KEY_SIZE == SEAL_KEY_SIZE, "it is one that seals");

enum { VERSION = 1, BODY_SIZE = 1 + 8 + 4 + 4 + 4, SEALED_SIZE = BODY_SIZE + SEAL_OVERHEAD };

static uint8_t *put(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
    return to + bytes;
}

static uint64_t take(const uint8_t **from, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++)
        value = value << 8 | *(*from)++;
    return value;
}

uint32_t persistence_cluster(const struct cluster_conf *c)
{
    return (uint32_t)(slice_hash(c->name) >> 32);
}

struct slice persistence_seal(struct arena *arena, const struct route_conf *route,
                              const struct persistence_token *token)
{
    uint8_t body[BODY_SIZE], salt[SEAL_SALT_SIZE], sealed[SEALED_SIZE], *at = body;
    at = put(at, VERSION, 1);
    at = put(at, token->endpoint, 8);
    at = put(at, token->cluster, 4);
    at = put(at, token->created_s, 4);
    put(at, token->used_s, 4);
    rand_secure(salt, sizeof(salt));
    seal_close(route->persistence->key, salt, route->name, slice_of(body, sizeof(body)), sealed);
    return base64url_encode(arena, slice_of(sealed, sizeof(sealed)));
}

/* Clocks of data planes differ a little: what is of the future is of now. */
static bool is_over(uint32_t since_s, uint32_t limit_s, uint32_t now_s)
{
    return limit_s && now_s > since_s && now_s - since_s > limit_s;
}

bool persistence_open(struct arena *arena, const struct route_conf *route, struct slice text,
                      uint32_t now_s, struct persistence_token *token)
{
    const struct persistence_conf *p = route->persistence;
    uint8_t body[BODY_SIZE];
    const uint8_t *at = body;
    struct slice sealed;
    if (text.len > 2 * SEALED_SIZE || base64url_decode(arena, text, &sealed) ||
        sealed.len != SEALED_SIZE || !seal_open(p->key, route->name, sealed, body) ||
        take(&at, 1) != VERSION)
        return false;
    token->endpoint = take(&at, 8);
    token->cluster = (uint32_t)take(&at, 4);
    token->created_s = (uint32_t)take(&at, 4);
    token->used_s = (uint32_t)take(&at, 4);
    return !is_over(token->created_s, p->absolute_s, now_s) &&
           !is_over(token->used_s, p->idle_s, now_s);
}

struct endpoint *persistence_endpoint(const struct persistence_token *token, struct cluster *c)
{
    if (token->cluster != persistence_cluster(c->conf))
        return NULL;
    for (uint32_t i = 0; i < c->endpoint_count; i++)
        if (c->endpoints[i]->conf->address_hash == token->endpoint)
            return balancer_may_keep(c->endpoints[i]) ? c->endpoints[i] : NULL;
    return NULL;
}
