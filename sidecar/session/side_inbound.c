/* Connections from others to the app in this pod: of the mesh, whose sidecars are known by their
 * certificates, or of anybody, where the policies let them in.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/tcp.h"
#include "lib/schema/schema_format.h"
#include "lib/tls/spiffe.h"
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_priv.h"
#include "filters/authz.h"
#include "sidecar/session/session_priv.h"

static const struct snapshot *snapshot_of(const struct session *s)
{
    return worker_snapshot(s->worker);
}

static bool is_strict(const struct session *s)
{
    return snapshot_mtls_mode(snapshot_of(s), s->info.original_dst.port) ==
           WEFT__CONFIG__V1__MTLS_MODE__MTLS_STRICT;
}

/* ---- the connection ---- */

static int declared_protocol(const struct session *s)
{
    const struct inbound_port_conf *port =
        snapshot_inbound_port(snapshot_of(s), s->info.original_dst.port);
    return port ? (int)port->protocol : (int)WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_AUTO;
}

static void begin(struct session *s)
{
    struct addr *dst = &s->info.original_dst;
    const struct settings *settings = s->worker->settings;
    bool redirected =
        tcp_original_dst(s->transport, dst) == ERR_OK && !addr_eq(dst, &s->info.local);
    const struct addr *forward = &settings->inbound_forward;
    s->is_direct = !redirected && !forward->family;
    if (!redirected)
        *dst = forward->family ? *forward : s->info.local;
    if (!s->is_direct)
        s->forward = forward->family ? *forward : *dst;
    /* Else a stranger could use the outbound listener by way of the inbound one. */
    if (redirected &&
        (dst->port == settings->outbound_port || dst->port == settings->inbound_port)) {
        session_refuse(s, "that port is the sidecar's own");
        return;
    }
    s->protocol = declared_protocol(s);
    /* Even a declared opaque port may be reached over the mesh: the first bytes tell. */
    session_detect(s);
}

/* Does it offer one of our ALPN names, and is mutual TLS not disabled here? */
static bool offers_mesh(const struct session *s, const struct sniff_hello *hello)
{
    if (snapshot_mtls_mode(snapshot_of(s), s->info.original_dst.port) ==
        WEFT__CONFIG__V1__MTLS_MODE__MTLS_DISABLE)
        return false;
    for (unsigned i = 0; i < hello->alpn_count; i++)
        for (unsigned j = 0; j < MESH_ALPN_COUNT; j++)
            if (slice_eq(hello->alpn[i], slice_from_cstr(mesh_alpn_names[j])))
                return true;
    return false;
}

/* A connection that was not redirected says by its SNI, "p<port>.weft", which of the app's ports it
 * is for. Only ports that are known: behind the loopback address there is more than the app offers.
 */
static bool take_named_port(struct session *s, struct slice sni)
{
    static const struct addr loopback = {.family = 4, .ip = {127, 0, 0, 1}};
    const struct slice suffix = SLICE(".weft");
    uint64_t port;
    if (sni.len < 2 + suffix.len || sni.ptr[0] != 'p' || !slice_ends_with(sni, suffix) ||
        slice_to_u64(slice_sub(sni, 1, sni.len - 1 - suffix.len), &port) || port > UINT16_MAX)
        return false;
    if (!snapshot_inbound_port(snapshot_of(s), (uint16_t)port))
        return false;
    s->info.original_dst.port = (uint16_t)port;
    s->forward = loopback;
    s->forward.port = (uint16_t)port;
    return true;
}

static void take_hello(struct session *s, const struct sniff_hello *hello)
{
    if (s->is_direct && !take_named_port(s, hello->sni)) {
        session_refuse(s, SESSION_NOT_REDIRECTED);
        return;
    }
    bool ours = offers_mesh(s, hello);
    if (s->is_direct && !ours)
        session_refuse(s, "a connection that was not redirected here must be of the mesh");
    else if (ours && !s->worker->identity)
        session_refuse(s, "mutual TLS is wanted and this workload has no certificate yet");
    else if (ours)
        session_accept_tls(s, s->worker->identity->server);
    else if (session_is_declared_http(s))
        session_refuse(s, "the port is declared to be HTTP and the client speaks TLS");
    else
        session_serve_opaque(s);
}

static void take_tls(struct session *s, const struct stream_info *info)
{
    s->is_mesh = s->info.tls_peer != NULL;
    if (!s->is_mesh)
        session_refuse(s, "the peer showed no identity");
    else if (slice_eq(info->alpn, slice_from_cstr(mesh_alpn_names[MESH_ALPN_H2])))
        session_serve_http(s, HTTP_PROTOCOL_2);
    else if (slice_eq(info->alpn, slice_from_cstr(mesh_alpn_names[MESH_ALPN_H1])))
        session_serve_http(s, HTTP_PROTOCOL_1);
    else
        session_serve_opaque(s);
}

static const struct tls_ctx *tls_ctx(const struct session *s)
{
    return s->worker->identity ? s->worker->identity->server : NULL;
}

/* What its certificate says, and nothing that it says itself. */
static void describe_party(struct session *s)
{
    struct spiffe_id id;
    struct slice text = slice_from_cstr(s->peer_id);
    s->party.principal = text;
    if (spiffe_parse(text, &id) == ERR_OK && schema_format_label_name.is_valid(id.ns))
        s->party.namespace_name = id.ns;
    s->party.hash = metrics_party_hash(&s->party);
}

static void describe_peer(struct session *s)
{
    struct slice id = s->peer.spiffe_id;
    struct slice scheme = SLICE("spiffe://");
    s->info.tls_peer = &s->peer;
    if (!slice_starts_with(id, scheme))
        return;
    s->peer_id = mem_strndup(id.ptr, id.len);
    s->peer_principal = s->peer_id + scheme.len;
    describe_party(s);
    if (!s->worker->identity)
        return;
    char hash[SESSION_HASH_MAX];
    s->xfcc = slice_from_cstr(mem_printf("By=%s;Hash=%s;Subject=\"%.*s\";URI=%.*s",
                                         s->worker->identity->spiffe_id, session_hash_peer(s, hash),
                                         SLICE_ARG(s->peer.subject), SLICE_ARG(id)));
}

static const struct http_server_config *server_config(const struct session *s)
{
    const struct settings *settings = s->worker->settings;
    return s->is_mesh ? &settings->server_mesh : &settings->server_inbound;
}

static bool admits_opaque(const struct session *s, char why[128])
{
    if (!s->forward.family) {
        snprintf(why, 128, "%s", SESSION_NOT_REDIRECTED);
        return false;
    }
    if (!s->is_mesh && is_strict(s)) {
        snprintf(why, 128, "this workload accepts mutual TLS only");
        return false;
    }
    const struct authz *authz = snapshot_inbound(snapshot_of(s))->authz;
    return !authz || authz_decide_tcp(authz, &s->info, why);
}

static struct cluster *cluster(struct session *s)
{
    return cluster_for_addr(&s->worker->clusters, SLICE("inbound"), &s->forward, (struct slice){0});
}

static void fill_key(struct metrics_key *key, const struct session *s, const struct cluster *to,
                     const struct endpoint *endpoint)
{
    const struct inbound_port_conf *port =
        snapshot_inbound_port(snapshot_of(s), s->info.original_dst.port);
    (void)to, (void)endpoint;
    key->reporter = METRICS_DESTINATION;
    key->source = s->party;
    key->destination = s->worker->self;
    key->security = s->is_mesh ? METRICS_MUTUAL_TLS : METRICS_PLAINTEXT;
    key->service = s->worker->unknown_service;
    if (port)
        key->service = (struct metrics_service){.host = port->service,
                                                .name = port->service_name,
                                                .namespace_name = port->service_namespace,
                                                .hash = port->service_hash};
}

/* ---- its requests ---- */

static enum http_version version_from_mesh(const struct message *request)
{
    struct slice said = headers_get_id(&request->headers, HEADER_WEFT_HTTP_VERSION);
    if (slice_eq(said, SLICE("1.1")))
        return HTTP_1_1;
    if (slice_eq(said, SLICE("1.0")))
        return HTTP_1_0;
    return request->version;
}

/* A data plane of a Gateway has said everything anew. One that nobody trusts is not believed here,
 * but what it says is the app's to judge. */
static bool is_unknown_gateway(const struct exchange *ex)
{
    return ex->session->is_mesh && !ex->client.is_believed &&
           headers_find_id(&ex->request->headers, HEADER_WEFT_CLIENT);
}

/* Only what is claimed is put right. */
static void say_client(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    if (is_unknown_gateway(ex)) {
        headers_remove_id(h, HEADER_WEFT_CLIENT);
        return;
    }
    struct slice client =
        ex->client_text.len ? ex->client_text : exchange_address_text(ex, &ex->client.client);
    struct slice list = exchange_believed_list(ex, (struct slice){0});
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
            h->bytes -= before + MESSAGE_FIELD_EXTRA;
            continue;
        }
        h->bytes = h->bytes + (uint32_t)(item->name.len + item->value.len) - before;
        if (kept++ != i)
            h->items[kept - 1] = *item;
    }
    h->count = kept;
}

/* What the other sidecar says for this one is read and taken out; who it is, is put in. An id the
 * other end has given the request, or the app does without. */
static void take_head(struct exchange *ex)
{
    struct session *s = ex->session;
    struct headers *h = &ex->request->headers;
    if (s->is_mesh) {
        ex->app_version = ex->request->version = version_from_mesh(ex->request);
        session_learn_source(s, headers_get_id(h, HEADER_WEFT_SOURCE));
    }
    exchange_take_controls(ex);
    if (s->is_mesh && s->xfcc.len)
        headers_add_id(h, HEADER_X_FORWARDED_CLIENT_CERT, s->xfcc);
}

static enum fail receive(struct exchange *ex, struct slice *detail)
{
    const struct session *s = ex->session;
    char why[128];
    exchange_find_client(ex, false);
    if (has(ex, HAS_CLAIMS))
        say_client(ex);
    take_head(ex);
    if (!s->is_mesh && is_strict(s))
        return FAIL_PLAINTEXT_DENIED;
    /* Nobody sees what is behind a CONNECT, so what says anything of requests must not have to be
     * asked. */
    if (!message_is_connect(ex->request) || admits_opaque(s, why))
        return FAIL_NONE;
    *detail = arena_copy(&ex->arena, slice_from_cstr(why));
    return FAIL_UPGRADE_DENIED;
}

static struct side_guard guard(const struct exchange *ex)
{
    const struct snapshot *snapshot = ex->lease->snapshot;
    const struct inbound_conf *all = snapshot_inbound(snapshot);
    const struct inbound_port_conf *port =
        snapshot_inbound_port(snapshot, ex->session->info.original_dst.port);
    return (struct side_guard){.chain = port ? port->chain : all->chain, .authz = all->authz};
}

#define RETRY                     \
    {.attempts = 1,               \
     .on_reset = true,            \
     .only_idempotent = true,     \
     .budget_percent = 20,        \
     .budget_min_per_second = 10, \
     .backoff_base_ms = 2,        \
     .backoff_max_ms = 5}

/* No route, and a retry only for the race in which the app closes an idle connection just as we
 * reuse it. What the policies say of time, the caller's sidecar or Gateway keeps; who comes without
 * one is only kept from staying for ever. */
static enum fail route(struct exchange *ex, struct slice *detail)
{
    static const struct route_conf of_mesh = {.name = {"inbound", 7}, .retry = RETRY};
    static const struct route_conf of_others = {
        .name = {"inbound", 7}, .timeouts = {.idle_ms = 3600000}, .retry = RETRY};
    (void)detail;
    ex->route = ex->session->is_mesh ? &of_mesh : &of_others;
    exchange_use_cluster(ex, cluster(ex->session));
    return FAIL_NONE;
}

/* The other end has decided it. */
static enum http_version version_for(const struct exchange *ex, const struct cluster_conf *to)
{
    (void)to;
    return ex->app_version;
}

const struct side side_inbound = {
    .name = "inbound",
    .begin = begin,
    .take_hello = take_hello,
    .take_tls = take_tls,
    .tls_ctx = tls_ctx,
    .describe_peer = describe_peer,
    .server_config = server_config,
    .admits_opaque = admits_opaque,
    .cluster = cluster,
    .fill_key = fill_key,
    .receive = receive,
    .guard = guard,
    .route = route,
    .version_for = version_for,
};
