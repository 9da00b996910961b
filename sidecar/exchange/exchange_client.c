/* The head of a request as it comes in: whom it is from, names that pretend to be others, and the
 * fields that say so to the app. Before anything looks at the request. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_fold.h"
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_priv.h"
#include "filters/authz.h"
#include "sidecar/telemetry/metrics.h"

static const struct client_conf *conf_of(const struct exchange *ex)
{
    const struct session *s = ex->session;
    return snapshot_client_conf(ex->lease->snapshot, s->gateway_port, s->info.sni);
}

/* ---- names, and whom it is from ---- */

static bool sift(struct exchange *ex, const struct client_conf *conf, struct slice *why)
{
    struct client_head found;
    bool good = client_head_sift(&ex->request->headers, conf, &ex->arena, &found, why);
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

static void find_client(struct exchange *ex, const struct client_conf *conf)
{
    const struct session *s = ex->session;
    bool at_gateway = s->info.direction == DIRECTION_INGRESS;
    if (has(ex, HAS_CLAIMS) && s->info.direction != DIRECTION_OUTBOUND)
        client_head_find(&ex->client, &ex->request->headers, &s->info.peer, conf, at_gateway,
                         has_trusted_identity(ex, conf), &ex->client_text);
    else
        forwarded_from_peer(&ex->client, &s->info.peer);
}

static struct slice address_text(struct exchange *ex, const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    return arena_copy(&ex->arena, slice_from_cstr(addr_format_ip(a, text)));
}

/* The believed end of X-Forwarded-For and `peer` (may be empty), as one list. */
static struct slice believed_list(struct exchange *ex, struct slice peer)
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

/* ---- at a gateway: everything is said anew ---- */

/* The last of a list is what the proxy before us said. */
static struct slice last_element(struct slice list)
{
    size_t from = list.len;
    while (from > 0 && list.ptr[from - 1] != ',')
        from--;
    return slice_trim(slice_sub(list, from, list.len));
}

static struct slice believed_value(const struct exchange *ex, enum header_id id)
{
    return ex->client.is_believed ? last_element(headers_get_id(&ex->request->headers, id))
                                  : (struct slice){0};
}

static struct slice scheme_of(const struct exchange *ex)
{
    struct slice said = believed_value(ex, HEADER_X_FORWARDED_PROTO);
    if (slice_eq_nocase(said, SLICE("https")))
        return SLICE("https");
    if (slice_eq_nocase(said, SLICE("http")))
        return SLICE("http");
    return ex->session->info.is_tls ? SLICE("https") : SLICE("http");
}

/* Where the scheme is another than ours and nobody says the port, it is the scheme's. */
static struct slice port_of(struct exchange *ex, struct slice scheme)
{
    struct slice said = believed_value(ex, HEADER_X_FORWARDED_PORT);
    bool is_https = slice_eq(scheme, SLICE("https"));
    uint64_t port;
    if (said.len && slice_to_u64(said, &port) == ERR_OK && port > 0 && port <= UINT16_MAX)
        return said;
    port = ex->session->gateway_port;
    if (is_https != ex->session->info.is_tls || port == (is_https ? 443 : 80))
        return is_https ? SLICE("443") : SLICE("80");
    return arena_printf(&ex->arena, "%u", (unsigned)port);
}

static struct slice host_of(const struct exchange *ex)
{
    struct slice said = believed_value(ex, HEADER_X_FORWARDED_HOST);
    return said.len && message_authority_is_valid(said) ? said : ex->original_authority;
}

static bool claims(const struct header *item)
{
    return client_head_is_claim(item->id);
}

static void say_at_gateway(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    const struct addr *peer = &ex->session->info.peer;
    struct slice peer_text = address_text(ex, peer);
    struct slice list = believed_list(ex, peer_text);
    struct slice scheme = scheme_of(ex), host = host_of(ex), port = port_of(ex, scheme);
    ex->client_text = addr_eq_ip(&ex->client.client, peer) ? peer_text
                                                           : address_text(ex, &ex->client.client);
    if (has(ex, HAS_CLAIMS))
        headers_remove_if(h, claims);
    headers_add_id(h, HEADER_X_FORWARDED_FOR, list);
    headers_add_id(h, HEADER_X_FORWARDED_PROTO, scheme);
    headers_add_id(h, HEADER_X_FORWARDED_HOST, host);
    headers_add_id(h, HEADER_X_FORWARDED_PORT, port);
    headers_add_id(h, HEADER_X_REAL_IP, ex->client_text);
    ex->request->scheme = scheme;
}

/* ---- beside an app: only what is claimed is put right ---- */

/* A data plane of a Gateway has said everything anew. One that nobody trusts is not believed here,
 * but what it says is the app's to judge. */
static bool is_unknown_gateway(const struct exchange *ex)
{
    return ex->session->is_mesh && !ex->client.is_believed &&
           headers_find_id(&ex->request->headers, HEADER_WEFT_CLIENT);
}

static void say_at_app(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    if (is_unknown_gateway(ex)) {
        headers_remove_id(h, HEADER_WEFT_CLIENT);
        return;
    }
    struct slice client =
        ex->client_text.len ? ex->client_text : address_text(ex, &ex->client.client);
    struct slice list = believed_list(ex, (struct slice){0});
    bool listed = false;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        struct header *item = &h->items[i];
        uint32_t before = (uint32_t)(item->name.len + item->value.len);
        switch (item->id) {
        case HEADER_X_FORWARDED_FOR:
            item->value = list.len ? list : client;
            break;
        case HEADER_CF_CONNECTING_IP:
        case HEADER_TRUE_CLIENT_IP:
        case HEADER_X_CLIENT_IP:
        case HEADER_X_CLUSTER_CLIENT_IP:
        case HEADER_X_REAL_IP:
            item->value = client;
            break;
        default:
            break;
        }
        bool again = item->id == HEADER_X_FORWARDED_FOR && listed;
        listed |= item->id == HEADER_X_FORWARDED_FOR;
        if (again || item->id == HEADER_FORWARDED || item->id == HEADER_WEFT_CLIENT) {
            h->bytes -= before + 32;
            continue;
        }
        h->bytes = h->bytes + (uint32_t)(item->name.len + item->value.len) - before;
        if (kept++ != i)
            h->items[kept - 1] = *item;
    }
    h->count = kept;
}

bool exchange_settle_client(struct exchange *ex, struct slice *why)
{
    const struct client_conf *conf = conf_of(ex);
    bool good = sift(ex, conf, why);
    find_client(ex, conf);
    switch (ex->session->info.direction) {
    case DIRECTION_INGRESS:
        say_at_gateway(ex);
        break;
    case DIRECTION_INBOUND:
        if (has(ex, HAS_CLAIMS))
            say_at_app(ex);
        break;
    case DIRECTION_OUTBOUND:
        break;
    }
    return good;
}

/* ---- names that decide ---- */

bool exchange_check_names(struct exchange *ex, const struct header_set *set, struct slice *why)
{
    struct slice meant;
    if (!has(ex, HAS_ODD_NAMES) && !set->is_odd)
        return true;
    const struct header *found =
        header_set_find_disguise(set, &ex->request->headers, &meant);
    if (found)
        *why = arena_printf(&ex->arena,
                            "header %.*s can be read as %.*s, by which a policy or a route decides",
                            SLICE_ARG(found->name), SLICE_ARG(meant));
    return !found;
}

const struct authz *exchange_listener_authz(const struct exchange *ex)
{
    const struct snapshot *snapshot = ex->lease->snapshot;
    if (ex->session->info.direction == DIRECTION_INBOUND)
        return snapshot_inbound(snapshot)->authz;
    if (ex->session->info.direction == DIRECTION_OUTBOUND)
        return NULL;
    const struct gateway_conf *gateway = snapshot_gateway(snapshot, ex->session->gateway_port);
    return gateway ? gateway->authz : NULL;
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
    const struct client_conf *conf = conf_of(ex);
    const struct authz *authz = exchange_listener_authz(ex);
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
