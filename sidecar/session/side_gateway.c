/* Connections of clients to a Gateway's port: the listener that their TLS hello names, TLS ended
 * here or passed on, HTTP or bytes; and their requests, which are strangers'.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/mem.h"
#include "lib/base/rand.h"
#include "lib/codec/http/host.h"
#include "lib/io/tcp.h"
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_priv.h"
#include "filters/authz.h"
#include "sidecar/config/route/listener_choice.h"
#include "sidecar/config/route/route_table.h"
#include "sidecar/session/session_priv.h"

#define HTTPS WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS

/* By the newest configuration; NULL: the port is no longer a gateway's. */
static const struct gateway_conf *gateway_of(const struct session *s)
{
    return snapshot_gateway(worker_snapshot(s->worker), s->gateway_port);
}

/* NULL: none of its has the name that the client asked for. */
static const struct gateway_listener_conf *listener_of(const struct session *s,
                                                       const struct gateway_conf *g)
{
    if (g->by_name)
        return listener_choice_by_name(g, s->info.sni);
    return g->listener_count ? &g->listeners[0] : NULL;
}

/* NULL: TLS does not end there. */
static struct tls_ctx *context_of(const struct gateway_conf *g,
                                  const struct gateway_listener_conf *listener, bool is_bytes)
{
    if (listener && listener->own_tls)
        return listener->tls;
    return is_bytes ? g->tls_bytes : g->tls;
}

/* ---- where bytes go ---- */

/* What has a connection that is not for HTTP. NULL: nothing. */
static const struct route_conf *stream_of(const struct session *s)
{
    const struct gateway_conf *g = gateway_of(s);
    if (!g || g->listener_count == 0)
        return NULL;
    const struct gateway_listener_conf *listener = listener_of(s, g);
    return listener ? listener_choice_stream(g, listener, s->info.sni) : NULL;
}

static struct cluster *cluster(struct session *s)
{
    const struct route_conf *route = stream_of(s);
    const struct backend_conf *backend =
        route ? route_pick_backend(route, (uint32_t)rand_next(&s->worker->rand)) : NULL;
    return backend && backend->cluster ? cluster_of(&s->worker->clusters, backend->cluster) : NULL;
}

/* Is there any, whichever share it falls into? */
static bool has_backend(const struct session *s)
{
    const struct route_conf *route = stream_of(s);
    for (uint16_t i = 0; route && i < route->backend_count; i++)
        if (route->backends[i].weight && route->backends[i].cluster)
            return true;
    return false;
}

/* A port that is no longer a gateway's lets no connection in, and those that are there be. */
static bool admits_opaque(const struct session *s, char why[128])
{
    const struct gateway_conf *g = gateway_of(s);
    return !g || !g->authz || authz_decide_tcp(g->authz, &s->info, why);
}

/* ---- the hello ---- */

static void remember_name(struct session *s, struct slice name)
{
    s->sni = mem_strndup(name.ptr, name.len);
    s->info.sni = slice_of(s->sni, name.len);
}

static bool is_all_https(const struct gateway_conf *g)
{
    for (uint32_t i = 0; i < g->listener_count; i++)
        if (g->listeners[i].protocol != HTTPS)
            return false;
    return true;
}

/* It ends TLS, and its certificates are not there (a Secret that is lost or of no use). What
 * another listener has is not shown for it. */
static bool is_bare(const struct gateway_listener_conf *l)
{
    return !l->is_passthrough && !l->has_certificate;
}

/* A browser is told what was wrong (RFC 6066 §3: a fatal alert, unrecognized_name); what is not
 * for HTTP is reset, as if nobody listened. */
static void refuse_name(struct session *s, const struct gateway_conf *g, const char *why)
{
    static const uint8_t alert[] = {21, 3, 3, 0, 2, 2, 112};
    if (!is_all_https(g)) {
        session_reset(s, why);
        return;
    }
    struct buf out;
    buf_init(&out);
    buf_append(&out, alert, sizeof(alert));
    stream_write(s->transport, &out);
    session_refuse_flushed(s, why);
}

static void choose(struct session *s, const struct gateway_conf *g, struct slice name)
{
    remember_name(s, name);
    const struct gateway_listener_conf *listener = listener_choice_by_name(g, name);
    timer_stop(&s->timer);
    if (!listener) {
        refuse_name(s, g, "no listener is for the name that the client asks for");
    } else if (is_bare(listener)) {
        refuse_name(s, g, "the listener for the name that the client asks for has no certificate");
    } else if (listener->protocol == HTTPS) {
        session_accept_tls(s, context_of(g, listener, false));
    } else if (listener->is_passthrough) {
        session_serve_opaque(s);
    } else if (!has_backend(s)) {
        session_reset(s, "the listener has no backend for this name");
    } else {
        s->is_bytes = true;
        session_accept_tls(s, context_of(g, listener, true));
    }
}

static void read_hello(struct session *s)
{
    struct sniff_hello hello;
    const struct gateway_conf *g = gateway_of(s);
    enum sniff_result result = session_sniff(s, &hello);
    if (!g || !g->by_name)
        session_refuse(s, "the listeners of this port have changed");
    else if (result == SNIFF_TLS && hello.complete)
        choose(s, g, hello.sni);
    else if (result != SNIFF_MORE || s->early.len >= SESSION_EARLY_MAX)
        session_refuse(s, "the port speaks TLS and the client does not");
}

static void on_data(struct stream *transport, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct session *s = transport->owner;
    buf_append_shared(&s->early, owner, data, len);
    read_hello(s);
}

static void on_eof(struct stream *transport)
{
    session_drop(transport->owner);
}

static void on_fail(struct stream *transport, enum err why)
{
    (void)why;
    session_drop(transport->owner);
}

static const struct stream_events hello_events = {
    .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};

static void on_silence(struct timer *t)
{
    session_drop(container_of(t, struct session, timer));
}

static void await_hello(struct session *s)
{
    timer_init(&s->timer, s->worker->loop, on_silence);
    timer_start(&s->timer, SESSION_DECIDE_MS);
    stream_use(s->transport, &hello_events, s);
    stream_read_start(s->transport);
    if (s->early.len)
        read_hello(s);
}

/* ---- the connection ---- */

static void begin(struct session *s)
{
    const struct gateway_conf *g = gateway_of(s);
    s->info.original_dst = s->info.local;
    if (!g) {
        session_refuse(s, "no gateway listens on this port any more");
        return;
    }
    if (!session_port_enter(s, g)) {
        session_refuse(s, "the port has as many connections as maxConnections allows");
        return;
    }
    if (session_proxy_is_due(s)) {
        session_proxy_read(s);
        return;
    }
    switch (g->protocol) {
    case WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TCP:
        session_serve_opaque(s);
        break;
    case WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_HTTPS:
    case WEFT__CONFIG__V1__LISTENER_PROTOCOL__LISTENER_TLS:
        if (g->by_name)
            await_hello(s);
        else if (context_of(g, listener_of(s, g), false))
            session_accept_tls(s, context_of(g, listener_of(s, g), false));
        else
            session_refuse(s, "the port has no listener");
        break;
    default:
        s->protocol = WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP;
        session_detect(s);
        break;
    }
}

static void take_hello(struct session *s, const struct sniff_hello *hello)
{
    (void)hello;
    session_refuse(s, "the port is declared to be HTTP and the client speaks TLS");
}

static void take_tls(struct session *s, const struct stream_info *info)
{
    if (s->is_bytes)
        session_serve_opaque(s);
    else
        session_serve_http(s,
                           slice_eq(info->alpn, SLICE("h2")) ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1);
}

static const struct tls_ctx *tls_ctx(const struct session *s)
{
    const struct gateway_conf *g = gateway_of(s);
    return g ? context_of(g, listener_of(s, g), s->is_bytes) : NULL;
}

/* Whom a gateway's clients are vouched for by is the gateway's business: no identity of the mesh,
 * whatever the certificate says. Only what was verified is told. */
static void describe_peer(struct session *s)
{
    char hash[SESSION_HASH_MAX];
    s->info.client_names = s->peer.names;
    s->xfcc = slice_from_cstr(mem_printf("Hash=%s;Subject=\"%.*s\"", session_hash_peer(s, hash),
                                         SLICE_ARG(s->peer.subject)));
}

static const struct http_server_config *server_config(const struct session *s)
{
    const struct settings *settings = s->worker->settings;
    return s->info.is_tls ? &settings->server_ingress_tls : &settings->server_ingress;
}

/* ---- a request's head: everything is said anew ---- */

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
    return arena_decimal(&ex->arena, port);
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

static void say_client(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    const struct addr *peer = &ex->session->info.peer;
    struct slice peer_text = exchange_address_text(ex, peer);
    struct slice list = exchange_believed_list(ex, peer_text);
    struct slice scheme = scheme_of(ex), host = host_of(ex), port = port_of(ex, scheme);
    ex->client_text = addr_eq_ip(&ex->client.client, peer)
                          ? peer_text
                          : exchange_address_text(ex, &ex->client.client);
    if (has(ex, HAS_CLAIMS))
        headers_remove_if(h, claims);
    headers_add_id(h, HEADER_X_FORWARDED_FOR, list);
    headers_add_id(h, HEADER_X_FORWARDED_PROTO, scheme);
    headers_add_id(h, HEADER_X_FORWARDED_HOST, host);
    headers_add_id(h, HEADER_X_FORWARDED_PORT, port);
    headers_add_id(h, HEADER_X_REAL_IP, ex->client_text);
    ex->request->scheme = scheme;
    /* And the sidecar behind us is told which client was found. */
    ex->up.client = ex->client.is_unknown ? SLICE("unknown") : ex->client_text;
}

/* "//x/y" is "/x/y" for us, and "/y" at host x for many URL parsers: it goes on as what routes were
 * matched with. Sidecars change nothing, and their policies see both. */
static void merge_leading_slashes(struct slice *path)
{
    while (path->len > 1 && path->ptr[0] == '/' && path->ptr[1] == '/')
        *path = slice_sub(*path, 1, path->len);
}

static enum fail receive(struct exchange *ex, struct slice *detail)
{
    struct headers *h = &ex->request->headers;
    exchange_find_client(ex, true);
    say_client(ex);
    exchange_take_controls(ex);
    if (ex->session->xfcc.len)
        headers_add_id(h, HEADER_X_FORWARDED_CLIENT_CERT, ex->session->xfcc);
    exchange_identify(ex);
    merge_leading_slashes(&ex->request->path);
    if (!message_is_connect(ex->request))
        return FAIL_NONE;
    *detail = SLICE("CONNECT"); /* is for a forward proxy that the client knows */
    return FAIL_UPGRADE_DENIED;
}

/* ---- a request's route ---- */

/* By the configuration that the exchange began with. */
static const struct gateway_conf *gateway_for(const struct exchange *ex)
{
    return snapshot_gateway(ex->lease->snapshot, ex->session->gateway_port);
}

static struct side_guard guard(const struct exchange *ex)
{
    const struct gateway_conf *g = gateway_for(ex);
    return g ? (struct side_guard){.chain = g->chain, .authz = g->authz, .late = g->late}
             : (struct side_guard){0};
}

static bool is_misdirected(const struct exchange *ex, const struct gateway_conf *g)
{
    const struct downstream_info *from = &ex->session->info;
    return from->is_tls &&
           listener_choice_is_misdirected(g, from->sni, host_of_authority(ex->request->authority));
}

/* Routes decide what is exposed: what the backend may read must be what was routed. */
static enum fail route(struct exchange *ex, struct slice *detail)
{
    const struct gateway_conf *g = gateway_for(ex);
    if (!g || !g->routes)
        return FAIL_NO_ROUTE;
    if (is_misdirected(ex, g))
        return FAIL_MISDIRECTED;
    enum fail why = exchange_find_in_table(ex, g->routes, detail);
    if (why != FAIL_NONE && why != FAIL_NO_ROUTE)
        return why;
    if (!route_table_is_one_route(g->routes, ex->request, ex->other_paths, exchange_claims(ex),
                                  ex->route)) {
        ex->route = NULL;
        *detail = SLICE("the path can be read in ways that lead to different routes");
        return FAIL_BAD_REQUEST;
    }
    if (ex->route)
        exchange_choose_backend(ex);
    return why;
}

static const struct route_conf *foresee_route(const struct exchange *ex)
{
    const struct gateway_conf *g = gateway_for(ex);
    if (!ex->match_path.len || !g || !g->routes || is_misdirected(ex, g))
        return NULL;
    return route_table_find(g->routes, ex->request, ex->match_path, exchange_claims(ex));
}

static const struct filter_chain *unrouted(const struct exchange *ex)
{
    const struct gateway_conf *g = gateway_for(ex);
    return g ? g->unrouted : NULL;
}

/* A browser's HTTP/2 says nothing of what the backend speaks; gRPC does. */
static enum http_version version_for(const struct exchange *ex, const struct cluster_conf *to)
{
    bool is_declared = to->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1 ||
                       to->protocol == WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2;
    if (is_declared || ex->came_in != HTTP_2)
        return exchange_version_for(ex, to);
    return message_is_grpc(ex->request) ? HTTP_2 : HTTP_1_1;
}

const struct side side_gateway = {
    .name = "ingress",
    .faces_strangers = true,
    .begin = begin,
    .take_hello = take_hello,
    .take_tls = take_tls,
    .tls_ctx = tls_ctx,
    .describe_peer = describe_peer,
    .server_config = server_config,
    .admits_opaque = admits_opaque,
    .cluster = cluster,
    .receive = receive,
    .guard = guard,
    .route = route,
    .foresee_route = foresee_route,
    .unrouted = unrouted,
    .version_for = version_for,
};
