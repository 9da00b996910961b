/* One GET on a connection of its own. A redirect that stays with the app is followed, as the
 * kubelet would. Control thread; knows nothing of addresses.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/net/tls_stream.h"
#include "sidecar/control/app_call_priv.h"

static const struct http_client_config client_config = {.max_header_bytes = 65536};

/* ---- the answer ---- */

/* "/x" or a whole URL of the same host and port as the one asked: the path; else empty. */
static struct slice local_path(const struct app_call *c, struct slice location,
                               struct slice authority)
{
    struct slice scheme = c->question->is_tls ? SLICE("https://") : SLICE("http://");
    if (slice_starts_with(location, scheme)) {
        location = slice_sub(location, scheme.len, location.len);
        if (!slice_starts_with(location, authority))
            return (struct slice){0};
        location = slice_sub(location, authority.len, location.len);
    }
    bool is_path = location.len && location.ptr[0] == '/' && message_path_is_valid(location) &&
                   !slice_starts_with(location, SLICE("//"));
    return is_path ? location : (struct slice){0};
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    struct app_call *c = st->owner;
    (void)end;
    if (head->status < 200)
        return;
    c->status = head->status;
    c->content_type = headers_get_id(&head->headers, HEADER_CONTENT_TYPE);
    if (!is_redirect(head->status) || c->redirects >= APP_CALL_REDIRECTS_MAX)
        return;
    struct slice to =
        local_path(c, headers_get_id(&head->headers, HEADER_LOCATION), c->question->host);
    if (!to.len)
        return;
    c->path = to;
    app_call_note(c, APP_CALL_ELSEWHERE, "");
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    struct app_call *c = st->owner;
    size_t room = c->question->body_max - c->body.len;
    buf_append_shared(&c->body, owner, data, len < room ? len : room);
    http_stream_consume(st, len);
    if (len <= room)
        return;
    c->is_cut = true;
    app_call_note(c, APP_CALL_ANSWERED, "");
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct app_call *c = st->owner;
    (void)trailers;
    app_call_note(c, APP_CALL_ANSWERED, "");
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    struct app_call *c = st->owner;
    c->status = 0;
    app_call_note(c, APP_CALL_ANSWERED, err_text(why));
}

static void on_done(struct http_stream *st)
{
    (void)st;
}

static const struct http_events http_events = {.on_head = on_head,
                                               .on_body = on_body,
                                               .on_end = on_end,
                                               .on_writable = on_writable,
                                               .on_abort = on_abort,
                                               .on_done = on_done};

/* ---- the question ---- */

static void on_capacity(struct http_client *client)
{
    (void)client;
}

static void on_closed(struct http_client *client, enum err why)
{
    struct app_call *c = http_client_owner(client);
    (void)why;
    c->client = NULL;
}

static const struct http_client_events client_events = {
    .on_capacity = on_capacity, .on_retired = on_capacity, .on_closed = on_closed};

static struct message *make_request(struct app_call *c)
{
    const struct app_question *q = c->question;
    char text[ADDR_TEXT_MAX];
    struct message *m = arena_zalloc(&c->arena, sizeof(*m));
    message_init(m, &c->arena);
    m->version = HTTP_1_1;
    m->method = SLICE("GET");
    m->scheme = q->is_tls ? SLICE("https") : SLICE("http");
    m->path = c->path;
    m->authority = q->host;
    if (!m->authority.len)
        m->authority =
            arena_copy(&c->arena, slice_from_cstr(addr_format(&c->addresses[c->at], text)));
    m->content_length = -1;
    for (size_t i = 0; i < q->header_count; i++)
        headers_add(&m->headers, q->headers[i].name, q->headers[i].value);
    return m;
}

static void on_open(struct stream *s)
{
    struct app_call *c = s->owner;
    c->stream = NULL;
    c->client = http_client_create(s, HTTP_PROTOCOL_1, &client_config, &client_events, c);
    c->http = (struct http_stream){.events = &http_events, .owner = c, .arena = &c->arena};
    http_client_send(c->client, &c->http, make_request(c), true);
}

/* Who is there and breaks off is no reason to look elsewhere. */
static void on_fail(struct stream *s, enum err why)
{
    struct app_call *c = s->owner;
    struct stream_info info = {0};
    stream_info(s, &info);
    bool is_absent = why == ERR_REFUSED || why == ERR_UNREACHABLE || why == ERR_TIMEOUT;
    app_call_note(c, is_absent ? APP_CALL_UNREACHABLE : APP_CALL_ANSWERED,
                  info.fail_detail ? info.fail_detail : err_text(why));
}

static const struct stream_events dial_events = {.on_open = on_open, .on_fail = on_fail};

void app_call_http_begin(struct app_call *c)
{
    static const char *const alpn[] = {"http/1.1", NULL};
    struct tls_client_config config = {.any_server = true, .alpn = alpn};
    struct tls_stream_options options = {.handshake_timeout_ms = c->question->timeout_ms};
    struct tls_ctx *ctx;
    char why[TLS_DETAIL_MAX];
    buf_dispose(&c->body);
    c->is_cut = false;
    if (!c->question->is_tls) {
        c->stream = app_call_dial(c, &dial_events, c);
        return;
    }
    if (tls_ctx_create_client(&config, &ctx, why) != ERR_OK) {
        app_call_note(c, APP_CALL_ANSWERED, why);
        return;
    }
    struct stream *lower = app_call_dial(c, NULL, NULL);
    c->stream = tls_stream_create(lower, ctx, &options, NULL, &dial_events, c);
    tls_ctx_unref(ctx);
}

void app_call_http_end(struct app_call *c)
{
    if (c->stream)
        stream_close(c->stream);
    c->stream = NULL;
    if (http_stream_is_live(&c->http))
        http_stream_reset(&c->http, ERR_CANCELED);
    if (c->client)
        http_client_close(c->client);
    buf_dispose(&c->http.out);
}
