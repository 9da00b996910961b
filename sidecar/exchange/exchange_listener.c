/* What a listener of a Gateway says of all its requests, whatever their route: how large a body may
 * be and how long it may be waited for, that they go to HTTPS, and what the Server field of
 * responses is. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/codec/http/host.h"
#include "sidecar/config/client_conf.h"
#include "sidecar/exchange/exchange_priv.h"

#define ACME_PATH "/.well-known/acme-challenge/" /* RFC 8555 §8.3 */

enum { HTTPS_PORT = 443 };

/* ---- bodies ---- */

void exchange_listener_adopt(struct exchange *ex)
{
    const struct session *s = ex->session;
    if (s->side->faces_strangers)
        ex->held =
            &snapshot_client_conf(ex->lease->snapshot, s->gateway_port, s->info.sni)->connection;
}

static bool is_too_large(const struct exchange *ex, uint64_t bytes)
{
    return ex->held && ex->held->max_body && bytes > (uint64_t)ex->held->max_body / 1000;
}

void exchange_listener_measure(struct exchange *ex)
{
    ex->body_heard_ms = loop_now_ms(ex->worker->loop);
    if (is_too_large(ex, ex->request_bytes) && !has(ex, IS_SWITCHED))
        ex->got |= GOT_BODY_TOO_LARGE;
}

uint64_t exchange_listener_body_deadline(const struct exchange *ex)
{
    if (!ex->held || !ex->held->timeouts.request_body ||
        has(ex, GOT_REQUEST_END | IS_SWITCHED | SENT_RESPONSE_END))
        return 0;
    return ex->body_heard_ms + (uint64_t)ex->held->timeouts.request_body;
}

/* A client is not late that waits for 100 (Continue), or for a backend to take what it has sent. */
void exchange_listener_body_is_due(struct exchange *ex)
{
    bool is_ours = (ex->request_body.len && !has(ex, PEEKS_REQUEST_BODY)) ||
                   (ex->request->expect_continue && ex->request_bytes == 0);
    ex->body_heard_ms = loop_now_ms(ex->worker->loop);
    if (!is_ours)
        ex->got |= GOT_BODY_TIMEOUT;
}

/* ---- before there is a route ---- */

static bool goes_to_https(const struct exchange *ex)
{
    const struct client_connection_redirect *r = &ex->held->redirect;
    bool is_challenge = slice_starts_with(ex->match_path, SLICE(ACME_PATH));
    return r->mode == CLIENT_CONNECTION_REDIRECT_ENABLED &&
           !slice_eq(ex->request->scheme, SLICE("https")) &&
           !(is_challenge && r->challenges == CLIENT_CONNECTION_CHALLENGES_SERVE);
}

static enum progress send_to_https(struct exchange *ex)
{
    const struct client_connection_redirect *r = &ex->held->redirect;
    struct slice host = host_of_authority(ex->request->authority), path = ex->original_path;
    char port[8] = "";
    if (!host.len)
        return exchange_fail(ex, FAIL_BAD_REQUEST, SLICE("a redirect needs a Host header"));
    if (r->port != HTTPS_PORT)
        snprintf(port, sizeof(port), ":%u", (unsigned)r->port);
    if (!slice_starts_with(path, SLICE("/"))) /* "*" of OPTIONS */
        path = SLICE("/");
    struct message *reply = exchange_reply(ex, (unsigned)r->status, SLICE(""));
    headers_add_id(&reply->headers, HEADER_LOCATION,
                   arena_printf(&ex->arena, "https://%.*s%s%.*s", SLICE_ARG(host), port,
                                SLICE_ARG(path)));
    ex->step = STEP_reply;
    return GO;
}

enum progress exchange_listener_admit(struct exchange *ex)
{
    ex->step = STEP_guard;
    if (!ex->held)
        return GO;
    if (goes_to_https(ex))
        return send_to_https(ex);
    int64_t length = ex->request->content_length;
    if (length > 0 && is_too_large(ex, (uint64_t)length))
        return exchange_fail(ex, FAIL_REQUEST_TOO_LARGE, (struct slice){0});
    return GO;
}

/* ---- responses ---- */

void exchange_listener_sign(struct exchange *ex)
{
    const struct client_connection_server *server = ex->held ? &ex->held->server : NULL;
    if (!server || server->action == CLIENT_CONNECTION_SERVER_KEEP)
        return;
    headers_remove_id(&ex->response->headers, HEADER_SERVER);
    if (server->action == CLIENT_CONNECTION_SERVER_SET)
        headers_add_id(&ex->response->headers, HEADER_SERVER, server->value);
}
