/* Names and claims in the head of a request; see client_head.h. Must not know what is done with a
 * request.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/client_head.h"

#include "lib/codec/http/header_fold.h"
#include "lib/codec/http/host.h"
#include "lib/codec/http/match.h"

#define ACME_PATH "/.well-known/acme-challenge/" /* RFC 8555 §8.3 */
#define HTTPS_PORT 443
#define ALLOW WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_ALLOW
#define REJECT WEFT__CONFIG__V1__UNDERSCORES_ACTION__UNDERSCORES_REJECT

/* ---- names ---- */

static const bool is_claim[HEADER_COUNT] = {
    [HEADER_CF_CONNECTING_IP] = true,  [HEADER_FORWARDED] = true,
    [HEADER_TRUE_CLIENT_IP] = true,    [HEADER_X_CLIENT_IP] = true,
    [HEADER_X_CLUSTER_CLIENT_IP] = true, [HEADER_X_FORWARDED_FOR] = true,
    [HEADER_X_FORWARDED_HOST] = true,  [HEADER_X_FORWARDED_PORT] = true,
    [HEADER_X_FORWARDED_PROTO] = true, [HEADER_X_REAL_IP] = true,
    [HEADER_WEFT_CLIENT] = true,
};

bool client_head_is_claim(enum header_id id)
{
    return is_claim[id];
}

enum client_head_name client_head_judge(struct slice name,
                                        Weft__Config__V1__UnderscoresAction underscores)
{
    switch (header_fold_judge(name)) {
    case HEADER_FOLD_DROP:
        return CLIENT_HEAD_DROP;
    case HEADER_FOLD_REFUSE:
        return CLIENT_HEAD_REFUSE;
    case HEADER_FOLD_PASS:
        break;
    }
    if (underscores == ALLOW || slice_find_byte(name, '_') == name.len)
        return CLIENT_HEAD_KEEP;
    return underscores == REJECT ? CLIENT_HEAD_REFUSE : CLIENT_HEAD_DROP;
}

static struct slice refusal(struct arena *arena, struct slice name)
{
    if (header_fold_judge(name) == HEADER_FOLD_REFUSE)
        return arena_printf(arena, "header %.*s can be read as one that frames the message",
                            SLICE_ARG(name));
    return arena_printf(arena, "the name of header %.*s has an underscore", SLICE_ARG(name));
}

bool client_head_sift(struct headers *h, const struct client_conf *conf, struct arena *arena,
                      struct client_head *found, struct slice *why)
{
    uint32_t kept = 0;
    bool good = true;
    *found = (struct client_head){0};
    for (uint32_t i = 0; i < h->count; i++) {
        struct header *item = &h->items[i];
        enum client_head_name j = CLIENT_HEAD_KEEP;
        if (item->id != HEADER_OTHER) {
            found->has_claims |= is_claim[item->id];
        } else if (header_fold_is_odd(item->name)) {
            found->has_odd_names = true;
            j = client_head_judge(item->name, conf->underscores);
        }
        if (j == CLIENT_HEAD_REFUSE && good)
            *why = refusal(arena, item->name);
        good &= j != CLIENT_HEAD_REFUSE;
        if (j == CLIENT_HEAD_DROP) {
            h->bytes -= (uint32_t)(item->name.len + item->value.len + 32);
            continue;
        }
        if (kept != i)
            h->items[kept] = *item;
        kept++;
    }
    found->dropped = h->count - kept;
    h->count = kept;
    return good;
}

/* ---- whom it is from ---- */

bool client_head_trusts(const struct client_conf *conf, struct slice principal)
{
    for (uint32_t i = 0; principal.len && i < conf->identity_count; i++) {
        if (match_string(&conf->identities[i], principal) == TRUTH_YES)
            return true;
    }
    return false;
}

bool client_head_may_read_reasons(const struct client_conf *conf, const struct addr *client)
{
    switch (conf->details) {
    case WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_ALWAYS:
        return true;
    case WEFT__CONFIG__V1__FAILURE_DETAILS__FAILURE_DETAILS_INTERNAL:
        break;
    default:
        return false;
    }
    for (uint32_t i = 0; client && i < conf->trust.address_count; i++) {
        if (cidr_contains(&conf->trust.addresses[i], client))
            return true;
    }
    return false;
}

/* What a trusted data plane found out already. False: it says nothing. */
static bool take_from_mesh(struct forwarded *f, const struct headers *h, const struct addr *peer,
                           struct slice *text)
{
    const struct header *said = headers_find_id(h, HEADER_WEFT_CLIENT);
    if (!said)
        return false;
    forwarded_from_peer(f, peer);
    f->is_believed = true;
    f->is_unknown = addr_parse(said->value, &f->client) != ERR_OK;
    if (!f->is_unknown)
        *text = said->value;
    const struct header *list = headers_find_id(h, HEADER_X_FORWARDED_FOR);
    if (list)
        f->first_field = (uint32_t)(list - h->items);
    return true;
}

void client_head_find(struct forwarded *f, const struct headers *h, const struct addr *peer,
                      const struct client_conf *conf, bool at_gateway, bool is_trusted,
                      struct slice *text)
{
    struct forwarded_trust trust = conf->trust;
    if (!at_gateway)
        trust.hops = 0;
    if (!is_trusted || !take_from_mesh(f, h, peer, text))
        forwarded_read(f, h, peer, &trust, is_trusted);
}

/* ---- to HTTPS ---- */

static bool may_stay(const struct client_connection_redirect *r, const struct message *request,
                     struct slice match_path)
{
    bool is_challenge = slice_starts_with(match_path, SLICE(ACME_PATH));
    return r->mode == CLIENT_CONNECTION_REDIRECT_DISABLED ||
           slice_eq(request->scheme, SLICE("https")) ||
           (is_challenge && r->challenges == CLIENT_CONNECTION_CHALLENGES_SERVE);
}

struct slice client_head_https(const struct client_connection *conf, const struct message *request,
                               struct slice match_path, struct slice original_path,
                               struct arena *arena, bool *has_host)
{
    *has_host = true;
    if (may_stay(&conf->redirect, request, match_path))
        return (struct slice){0};
    struct slice host = host_of_authority(request->authority), path = original_path;
    *has_host = host.len > 0;
    if (!slice_starts_with(path, SLICE("/"))) /* "*" of OPTIONS */
        path = SLICE("/");
    if (conf->redirect.port == HTTPS_PORT)
        return arena_printf(arena, "https://%.*s%.*s", SLICE_ARG(host), SLICE_ARG(path));
    return arena_printf(arena, "https://%.*s:%d%.*s", SLICE_ARG(host), (int)conf->redirect.port,
                        SLICE_ARG(path));
}
