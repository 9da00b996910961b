/* Connections end here: TLS, then HTTP, then whole requests.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/kube/kube_wire.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/memstream.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/net/tls_stream.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki;
static struct pki_leaf leaf;

int kube_wire_set_up(void **state)
{
    struct pki_spec spec;
    (void)state;
    assert_int_equal(tls_lib_init(), ERR_OK);
    pki_init(&pki);
    pki_spec_init(&pki, &spec, "");
    spec.names[0] = (struct x509_name){X509_NAME_DNS, SLICE("api.test")};
    leaf = pki_build(&pki, &spec, NULL);
    return 0;
}

int kube_wire_tear_down(void **state)
{
    (void)state;
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
    return 0;
}

/* ---- one request */

static struct kube_wire_call *call_of(struct http_stream *st)
{
    return container_of(st, struct kube_wire_call, st);
}

static void free_call(struct loop_task *task)
{
    struct kube_wire_call *c = container_of(task, struct kube_wire_call, grave);
    buf_dispose(&c->body);
    arena_dispose(&c->arena);
    mem_free(c);
}

static void end_call(struct kube_wire_call *c)
{
    list_unlink(&c->node);
    loop_bury(c->wire->loop, &c->grave);
}

void kube_wire_push(struct kube_wire_call *c, struct slice text, bool end)
{
    struct buf out;
    buf_init(&out);
    buf_append_slice(&out, text);
    c->is_open &= !end;
    http_stream_send_body(&c->st, &out, end);
}

void kube_wire_answer(struct kube_wire_call *c, unsigned status, const char *retry_after,
                      struct slice body, bool open)
{
    c->is_answered = true;
    c->is_open = open;
    message_init(&c->answer, &c->arena);
    c->answer.status = (uint16_t)status;
    c->answer.version = HTTP_1_1;
    c->answer.content_length = -1;
    if (retry_after)
        headers_add_id(&c->answer.headers, HEADER_RETRY_AFTER, slice_from_cstr(retry_after));
    http_stream_send_head(&c->st, &c->answer, false);
    kube_wire_push(c, body, !open);
}

void kube_wire_break(struct kube_wire_call *c)
{
    http_stream_reset(&c->st, ERR_IO);
    end_call(c);
}

static void on_head(struct http_stream *st, struct message *head, bool end)
{
    (void)end;
    call_of(st)->head = head;
}

static void on_body(struct http_stream *st, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)owner;
    buf_append(&call_of(st)->body, data, len);
    http_stream_consume(st, len);
}

static void on_end(struct http_stream *st, const struct headers *trailers)
{
    struct kube_wire_call *c = call_of(st);
    size_t len = c->body.len;
    (void)trailers;
    char *text = arena_alloc(&c->arena, len + 1);
    buf_copy_out(&c->body, text, len);
    text[len] = '\0';
    c->text = slice_of(text, len);
    c->is_whole = true;
    c->wire->on_request(c->wire->owner, c);
}

static void on_writable(struct http_stream *st)
{
    (void)st;
}

static void on_abort(struct http_stream *st, enum err why)
{
    (void)why;
    end_call(call_of(st));
}

static void on_done(struct http_stream *st)
{
    end_call(call_of(st));
}

static struct http_stream *on_stream(struct http_server *s)
{
    static const struct http_events events = {
        .on_head = on_head,
        .on_body = on_body,
        .on_end = on_end,
        .on_writable = on_writable,
        .on_abort = on_abort,
        .on_done = on_done,
    };
    struct kube_wire *w = http_server_owner(s);
    if (w->refuse_streams) {
        w->refuse_streams--;
        return NULL;
    }
    struct kube_wire_call *c = mem_zalloc(sizeof(*c));
    c->wire = w;
    arena_init(&c->arena, 2048);
    buf_init(&c->body);
    loop_task_init(&c->grave, free_call);
    list_init(&c->node);
    list_link_last(&w->calls, &c->node);
    c->st.events = &events;
    c->st.owner = c;
    c->st.arena = &c->arena;
    return &c->st;
}

/* ---- connections */

static void on_server_closed(struct http_server *s, enum err why, const char *detail)
{
    struct kube_wire *w = http_server_owner(s);
    (void)why;
    (void)detail;
    if (w->server == s)
        w->server = NULL;
}

static void on_accept_open(struct stream *s)
{
    static const struct http_server_config config = {.scheme = {"https", 5}};
    static const struct http_server_events events = {
        .on_stream = on_stream,
        .on_closed = on_server_closed,
    };
    struct kube_wire *w = s->owner;
    bool h2 = strcmp(w->alpn, "h2") == 0;
    w->accepting = NULL;
    w->server =
        http_server_create(s, h2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1, &config, &events, w, NULL);
}

static void on_accept_fail(struct stream *s, enum err why)
{
    (void)why;
    ((struct kube_wire *)s->owner)->accepting = NULL;
    stream_close(s);
}

static void on_accept_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
}

static struct tls_ctx *server_ctx(const struct kube_wire *w)
{
    const char *const alpn[] = {w->alpn, NULL};
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *ctx;
    struct tls_public_cert cert = {slice_from_cstr(leaf.chain), slice_from_cstr(leaf.key), NULL, 0};
    struct tls_public_config config = {.certs = &cert, .cert_count = 1, .alpn = alpn};
    assert_int_equal(tls_ctx_create_public(&config, &ctx, why), ERR_OK);
    return ctx;
}

static struct stream *accept_one(void *connect_owner, const struct addr *to,
                                 const struct stream_events *events, void *owner)
{
    static const struct stream_events accept_events = {
        .on_open = on_accept_open,
        .on_data = on_accept_data,
        .on_eof = NULL,
        .on_fail = on_accept_fail,
    };
    struct kube_wire *w = connect_owner;
    struct stream *near, *far;
    assert_int_equal(to->port, 6443);
    memstream_pair(w->loop, NULL, &near, &far);
    stream_use(near, events, owner);
    stream_use(far, &accept_events, w);
    if (w->refuse) {
        w->refused++;
        memstream_cut(near, ERR_REFUSED);
        stream_close(far);
        return near;
    }
    struct tls_ctx *ctx = server_ctx(w);
    w->connections++;
    w->near = near;
    w->accepting = tls_stream_create(far, ctx, NULL, NULL, &accept_events, w);
    tls_ctx_unref(ctx);
    return near;
}

/* ---- the wire */

void kube_wire_init(struct kube_wire *w, struct loop *l, const char *alpn)
{
    *w = (struct kube_wire){.loop = l, .alpn = alpn};
    list_init(&w->calls);
}

struct kube_client *kube_wire_client(struct kube_wire *w, const char *token_file)
{
    struct kube_config config = {
        .host = mem_strdup("192.0.2.1"),
        .port = 6443,
        .path_prefix = mem_strdup(""),
        .server_name = mem_strdup("api.test"),
        .roots_pem = mem_strdup(pki.root),
        .token = token_file ? NULL : mem_strdup("secret"),
        .token_file = token_file ? mem_strdup(token_file) : NULL,
        .namespace_name = mem_strdup("shop"),
    };
    struct kube_client *client = kube_client_create(w->loop, &config);
    client->dial.connect = accept_one;
    client->dial.connect_owner = w;
    return client;
}

void kube_wire_dispose(struct kube_wire *w)
{
    if (w->server)
        http_server_close(w->server);
    if (w->accepting)
        stream_close(w->accepting);
}
