/* What a listener of a Gateway says of all its requests, whatever their route: how large a body may
 * be and how long it may be waited for, that they go to HTTPS, and what the Server field of
 * responses is. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/client_head.h"
#include "sidecar/exchange/exchange_priv.h"

/* ---- bodies ---- */

void exchange_listener_adopt(struct exchange *ex)
{
    if (ex->session->side->faces_strangers)
        ex->held = &exchange_clients(ex)->connection;
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

static enum progress redirect(struct exchange *ex, struct slice location)
{
    struct message *reply = exchange_reply(ex, (unsigned)ex->held->redirect.status, SLICE(""));
    headers_add_id(&reply->headers, HEADER_LOCATION, location);
    ex->step = STEP_reply;
    return GO;
}

enum progress exchange_listener_admit(struct exchange *ex)
{
    ex->step = STEP_guard;
    if (!ex->held)
        return GO;
    bool has_host;
    struct slice location = client_head_https(ex->held, ex->request, ex->match_path,
                                              ex->original_path, &ex->arena, &has_host);
    if (!has_host)
        return exchange_fail(ex, FAIL_BAD_REQUEST, SLICE("a redirect needs a Host header"));
    if (location.len)
        return redirect(ex, location);
    int64_t length = ex->request->content_length;
    /* By what it says, or by what has come together with the head. */
    if ((length > 0 && is_too_large(ex, (uint64_t)length)) || is_too_large(ex, ex->request_bytes))
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
