/* What an exchange writes into the heads it passes on: who asked, in which version, on whose
 * behalf; and what it takes out because a client may not say it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/rand.h"
#include "sidecar/exchange_priv.h"
#include "sidecar/mesh_headers.h"

static const char hex[] = "0123456789abcdef";

/* A random (version 4) UUID. */
static struct slice make_request_id(struct exchange *ex)
{
    uint64_t bits[2] = {rand_next(&ex->worker->rand), rand_next(&ex->worker->rand)};
    uint8_t bytes[16];
    memcpy(bytes, bits, 16);
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    char *text = arena_alloc(&ex->arena, 36);
    unsigned at = 0;
    for (unsigned i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = hex[bytes[i] >> 4];
        text[at++] = hex[bytes[i] & 15];
    }
    return slice_of(text, 36);
}

/* Ours to say, nobody else's. On a mesh hop they come from the other sidecar and have been read
 * before. */
static void strip_control(struct headers *h)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        switch (h->items[i].id) {
        case HEADER_WEFT_HTTP_VERSION:
        case HEADER_WEFT_SOURCE:
        case HEADER_WEFT_ATTEMPT:
        case HEADER_X_FORWARDED_CLIENT_CERT:
            continue;
        default:
            if (kept != i)
                h->items[kept] = h->items[i];
            kept++;
        }
    }
    h->count = kept;
}

static enum http_version version_from_mesh(const struct message *request)
{
    struct slice said = headers_get_id(&request->headers, HEADER_WEFT_HTTP_VERSION);
    if (slice_eq(said, SLICE("1.1")))
        return HTTP_1_1;
    if (slice_eq(said, SLICE("1.0")))
        return HTTP_1_0;
    return request->version;
}

enum http_version exchange_version_for(const struct exchange *ex, const struct cluster_conf *to)
{
    enum http_version came = ex->came_in;
    switch (to->protocol) {
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP2:
        return HTTP_2;
    case WEFT__CONFIG__V1__PROTOCOL__PROTOCOL_HTTP1:
        return came == HTTP_2 ? HTTP_1_1 : came;
    default:
        break;
    }
    if (ex->session->info.direction != DIRECTION_INGRESS || came != HTTP_2)
        return came;
    /* A browser's HTTP/2 says nothing of what the backend speaks; gRPC does. */
    return message_is_grpc(ex->request) ? HTTP_2 : HTTP_1_1;
}

/* All that was said before us, in order, whether in one field or in several, and `peer`. */
static struct slice forwarded_for(struct exchange *ex, struct slice peer)
{
    const struct headers *h = &ex->request->headers;
    size_t len = peer.len, at = 0;
    for (uint32_t i = 0; i < h->count; i++)
        if (h->items[i].id == HEADER_X_FORWARDED_FOR)
            len += h->items[i].value.len + 2;
    char *list = arena_alloc(&ex->arena, len);
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice value = h->items[i].value;
        if (h->items[i].id != HEADER_X_FORWARDED_FOR || !value.len)
            continue;
        memcpy(list + at, value.ptr, value.len);
        memcpy(list + at + value.len, ", ", 2);
        at += value.len + 2;
    }
    memcpy(list + at, peer.ptr, peer.len);
    return slice_of(list, at + peer.len);
}

static void add_forwarded(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    char text[ADDR_TEXT_MAX];
    struct slice peer =
        arena_copy(&ex->arena, slice_from_cstr(addr_format_ip(&ex->session->info.peer, text)));
    headers_set_id(h, HEADER_X_FORWARDED_FOR, forwarded_for(ex, peer));
    headers_set_id(h, HEADER_X_FORWARDED_PROTO,
                   ex->session->info.is_tls ? SLICE("https") : SLICE("http"));
    headers_set_id(h, HEADER_X_FORWARDED_HOST, ex->original_authority);
}

void exchange_prepare_request(struct exchange *ex)
{
    struct message *request = ex->request;
    enum direction direction = ex->session->info.direction;
    bool from_mesh = direction == DIRECTION_INBOUND && ex->session->is_mesh;
    ex->came_in = request->version;
    if (from_mesh) {
        ex->app_version = version_from_mesh(request);
        session_learn_source(ex->session, headers_get_id(&request->headers, HEADER_WEFT_SOURCE));
    }
    strip_control(&request->headers);
    if (direction == DIRECTION_INBOUND) {
        if (!from_mesh)
            ex->app_version = request->version;
        else if (ex->session->xfcc)
            headers_add_id(&request->headers, HEADER_X_FORWARDED_CLIENT_CERT,
                           slice_from_cstr(ex->session->xfcc));
        request->version = ex->app_version;
        return;
    }
    if (direction == DIRECTION_INGRESS) {
        add_forwarded(ex);
        if (ex->session->xfcc)
            headers_add_id(&request->headers, HEADER_X_FORWARDED_CLIENT_CERT,
                           slice_from_cstr(ex->session->xfcc));
    }
    if (!headers_find_id(&request->headers, HEADER_X_REQUEST_ID))
        headers_add_id(&request->headers, HEADER_X_REQUEST_ID, make_request_id(ex));
    ex->app_version = exchange_version_for(ex, ex->cluster->conf);
}

void exchange_prepare_attempt(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    if (endpoint_is_mesh_hop(ex->endpoint))
        mesh_headers_set(h, ex->app_version, ex->worker->settings);
    else if (ex->attempts > 1)
        mesh_headers_remove(h);
    if (ex->attempts > 1)
        headers_set_id(h, HEADER_WEFT_ATTEMPT, arena_printf(&ex->arena, "%u", ex->attempts));
}

void exchange_prepare_response(struct exchange *ex)
{
    /* What sidecars say to each other is not for apps to say. */
    if (!endpoint_is_mesh_hop(ex->endpoint))
        headers_remove_id(&ex->response->headers, HEADER_WEFT_REASON);
    bool accepted = ex->response->status / 100 == 2 && message_is_connect(ex->request);
    if (ex->response->status == 101 || accepted)
        ex->got |= IS_SWITCHED;
}
