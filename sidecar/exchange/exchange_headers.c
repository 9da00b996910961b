/* The heads that an exchange passes on: whom a request is from, names that pretend to be others,
 * what only we may say, and what we say. How much of that a side does, its own file says
 * (session/side.h). Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/rand.h"
#include "lib/codec/http/header_fold.h"
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_priv.h"
#include "filters/authz.h"
#include "sidecar/session/side.h"
#include "sidecar/telemetry/metrics.h"

const struct client_conf *exchange_clients(struct exchange *ex)
{
    const struct session *s = ex->session;
    if (!ex->clients)
        ex->clients = snapshot_client_conf(ex->lease->snapshot, s->gateway_port, s->info.sni);
    return ex->clients;
}

/* ---- names, and whom it is from ---- */

bool exchange_sift_head(struct exchange *ex, struct slice *why)
{
    struct client_head found;
    bool good =
        client_head_sift(&ex->request->headers, exchange_clients(ex), &ex->arena, &found, why);
    ex->got |= (found.has_claims ? HAS_CLAIMS : 0) | (found.has_odd_names ? HAS_ODD_NAMES : 0);
    if (found.dropped)
        metrics_count_headers_dropped(ex->worker->metrics, found.dropped);
    return good;
}

/* One connection is one peer's, so it is judged once per configuration. */
static bool has_trusted_identity(struct exchange *ex, const struct client_conf *conf)
{
    struct session *s = ex->session;
    uint64_t version = snapshot_version(ex->lease->snapshot);
    if (!s->is_mesh || !s->peer_principal)
        return false;
    if (s->trust_version != version) {
        s->trust_version = version;
        s->is_trusted = client_head_trusts(conf, slice_from_cstr(s->peer_principal));
    }
    return s->is_trusted;
}

void exchange_find_client(struct exchange *ex, bool at_gateway)
{
    const struct client_conf *conf = exchange_clients(ex);
    const struct addr *peer = &ex->session->info.peer;
    if (has(ex, HAS_CLAIMS))
        client_head_find(&ex->client, &ex->request->headers, peer, conf, at_gateway,
                         has_trusted_identity(ex, conf), &ex->client_text);
    else
        forwarded_from_peer(&ex->client, peer);
}

struct slice exchange_address_text(struct exchange *ex, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    return arena_copy(&ex->arena, slice_from_cstr(addr_format_ip(a, text)));
}

struct slice exchange_believed_list(struct exchange *ex, struct slice peer)
{
    const struct headers *h = &ex->request->headers;
    const struct forwarded *f = &ex->client;
    size_t len = peer.len, at = 0;
    if (f->first_field == FORWARDED_NONE)
        return peer;
    unsigned fields = 0;
    for (uint32_t i = f->first_field; i < h->count; i++) {
        if (h->items[i].id != HEADER_X_FORWARDED_FOR)
            continue;
        len += h->items[i].value.len + 2;
        fields++;
    }
    struct slice first = h->items[f->first_field].value;
    first = slice_sub(first, f->first_byte, first.len);
    if (fields == 1 && !peer.len)
        return first;
    char *list = arena_alloc(&ex->arena, len);
    for (uint32_t i = f->first_field; i < h->count; i++) {
        struct slice value = i == f->first_field ? first : h->items[i].value;
        if (h->items[i].id != HEADER_X_FORWARDED_FOR || !value.len)
            continue;
        if (at) {
            memcpy(list + at, ", ", 2);
            at += 2;
        }
        memcpy(list + at, value.ptr, value.len);
        at += value.len;
    }
    if (peer.len && at) {
        memcpy(list + at, ", ", 2);
        at += 2;
    }
    if (peer.len)
        memcpy(list + at, peer.ptr, peer.len);
    return slice_of(list, at + peer.len);
}

/* ---- names that decide ---- */

bool exchange_check_names(struct exchange *ex, const struct header_set *set, struct slice *why)
{
    struct slice meant;
    if (!has(ex, HAS_ODD_NAMES) && !set->is_odd)
        return true;
    const struct header *found = header_set_find_disguise(set, &ex->request->headers, &meant);
    if (found)
        *why = arena_printf(&ex->arena,
                            "header %.*s can be read as %.*s, by which a policy or a route decides",
                            SLICE_ARG(found->name), SLICE_ARG(meant));
    return !found;
}

/* ---- what is ours to say ---- */

static struct slice make_request_id(struct exchange *ex)
{
    char *text = arena_alloc(&ex->arena, RAND_UUID_SIZE);
    rand_uuid(&ex->worker->rand, text);
    return slice_of(text, RAND_UUID_SIZE - 1);
}

void exchange_identify(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    struct header *said = headers_find_id(h, HEADER_X_REQUEST_ID);
    if (!said)
        headers_add_id(h, HEADER_X_REQUEST_ID, make_request_id(ex));
    else if (!said->value.len)
        headers_set_id(h, HEADER_X_REQUEST_ID, make_request_id(ex));
}

/* Ours to say, nobody else's. On a mesh hop they come from the other sidecar and have been read
 * before. */
static bool is_control(const struct header *item)
{
    switch (item->id) {
    case HEADER_WEFT_CLIENT:
    case HEADER_WEFT_HTTP_VERSION:
    case HEADER_WEFT_SOURCE:
    case HEADER_WEFT_ATTEMPT:
    case HEADER_X_FORWARDED_CLIENT_CERT:
        return true;
    default:
        return false;
    }
}

void exchange_take_controls(struct exchange *ex)
{
    headers_remove_if(&ex->request->headers, is_control);
}

enum http_version exchange_version_for(const struct exchange *ex, const struct cluster_conf *to)
{
    switch (to->protocol) {
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2:
        return HTTP_2;
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1:
        return ex->came_in == HTTP_2 ? HTTP_1_1 : ex->came_in;
    default:
        return ex->view.needs_http2 ? HTTP_2 : ex->came_in;
    }
}

void exchange_prepare_attempt(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    upstream_request_address(&ex->up, h, ex->app_version);
    if (ex->up.attempts > 1)
        headers_set_id(h, HEADER_WEFT_ATTEMPT, arena_decimal(&ex->arena, ex->up.attempts));
}

void exchange_prepare_response(struct exchange *ex)
{
    /* What sidecars say to each other is not for apps to say. */
    if (exchange_is_kept(ex) || !endpoint_is_mesh_hop(ex->up.endpoint))
        headers_remove_id(&ex->response->headers, HEADER_WEFT_REASON);
    if (ex->persistence)
        exchange_persist(ex);
    if (ex->given_cookie.len)
        headers_add_id(&ex->response->headers, HEADER_SET_COOKIE, ex->given_cookie);
    bool accepted = ex->response->status / 100 == 2 && message_is_connect(ex->request);
    if (ex->response->status == 101 || accepted)
        ex->got |= IS_SWITCHED;
}

/* ---- trailers: nothing that decides, or that we say, comes after the fact ---- */

static bool may_trail(const struct header *item, const struct client_conf *conf,
                      const struct header_set *decides)
{
    if (client_head_is_claim(item->id) || (decides && header_set_covers(decides, item->name)))
        return false;
    switch (item->id) {
    case HEADER_WEFT_ATTEMPT:
    case HEADER_WEFT_HTTP_VERSION:
    case HEADER_WEFT_SOURCE:
    case HEADER_X_FORWARDED_CLIENT_CERT:
    case HEADER_X_REQUEST_ID:
        return false;
    case HEADER_OTHER:
        return !header_fold_is_odd(item->name) ||
               client_head_judge(item->name, conf->underscores) == CLIENT_HEAD_KEEP;
    default:
        return true;
    }
}

const struct headers *exchange_clean_trailers(struct exchange *ex, const struct headers *trailers)
{
    const struct client_conf *conf = exchange_clients(ex);
    const struct authz *authz = exchange_guard(ex).authz;
    const struct header_set *decides = authz ? &authz->headers : NULL;
    uint32_t good = 0;
    while (good < trailers->count && may_trail(&trailers->items[good], conf, decides))
        good++;
    if (good == trailers->count)
        return trailers;
    struct headers *kept = arena_zalloc(&ex->arena, sizeof(*kept));
    headers_init(kept, &ex->arena);
    for (uint32_t i = 0; i < trailers->count; i++)
        if (may_trail(&trailers->items[i], conf, decides))
            headers_add(kept, trailers->items[i].name, trailers->items[i].value);
    metrics_count_headers_dropped(ex->worker->metrics, trailers->count - kept->count);
    return kept->count ? kept : NULL;
}
