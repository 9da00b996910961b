/* What an exchange writes into the heads it passes on: who asked, in which version, on whose
 * behalf; and what it takes out because a client may not say it. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/base/rand.h"
#include "sidecar/exchange/exchange_priv.h"

static struct slice make_request_id(struct exchange *ex)
{
    char *text = arena_alloc(&ex->arena, RAND_UUID_SIZE);
    rand_uuid(&ex->worker->rand, text);
    return slice_of(text, RAND_UUID_SIZE - 1);
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

void exchange_identify(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    struct header *said = headers_find_id(h, HEADER_X_REQUEST_ID);
    if (!said)
        headers_add_id(h, HEADER_X_REQUEST_ID, make_request_id(ex));
    else if (!said->value.len)
        headers_set_id(h, HEADER_X_REQUEST_ID, make_request_id(ex));
}

static void read_from_mesh(struct exchange *ex)
{
    ex->app_version = version_from_mesh(ex->request);
    session_learn_source(ex->session,
                         headers_get_id(&ex->request->headers, HEADER_WEFT_SOURCE));
}

void exchange_receive_head(struct exchange *ex)
{
    struct message *request = ex->request;
    const struct session *s = ex->session;
    bool from_mesh = s->info.direction == DIRECTION_INBOUND && s->is_mesh;
    ex->came_in = ex->app_version = request->version;
    if (from_mesh)
        read_from_mesh(ex);
    headers_remove_if(&request->headers, is_control);
    if (s->xfcc.len && (from_mesh || s->info.direction == DIRECTION_INGRESS))
        headers_add_id(&request->headers, HEADER_X_FORWARDED_CLIENT_CERT, s->xfcc);
    /* Beside an app the other end has given it an id, or the app behind us does without. */
    if (s->info.direction != DIRECTION_INBOUND)
        exchange_identify(ex);
}

void exchange_prepare_request(struct exchange *ex)
{
    if (ex->session->info.direction == DIRECTION_INBOUND)
        ex->request->version = ex->app_version;
    else
        ex->app_version = exchange_version_for(ex, ex->up.cluster->conf);
    /* A gateway tells the sidecar behind it which client it found. */
    if (ex->session->info.direction == DIRECTION_INGRESS)
        ex->up.client = ex->client.is_unknown ? SLICE("unknown") : ex->client_text;
}

void exchange_prepare_attempt(struct exchange *ex)
{
    struct headers *h = &ex->request->headers;
    upstream_request_address(&ex->up, h, ex->app_version);
    if (ex->up.attempts > 1)
        headers_set_id(h, HEADER_WEFT_ATTEMPT, arena_printf(&ex->arena, "%u", ex->up.attempts));
}

void exchange_prepare_response(struct exchange *ex)
{
    /* What sidecars say to each other is not for apps to say. */
    if (!endpoint_is_mesh_hop(ex->up.endpoint))
        headers_remove_id(&ex->response->headers, HEADER_WEFT_REASON);
    bool accepted = ex->response->status / 100 == 2 && message_is_connect(ex->request);
    if (ex->response->status == 101 || accepted)
        ex->got |= IS_SWITCHED;
}
