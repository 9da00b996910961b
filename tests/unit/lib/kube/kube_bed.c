/* The scripted API server: connections of the client under test end here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/lib/kube/kube_bed.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/memstream.h"
#include "lib/kube/kube_client_priv.h"
#include "lib/net/tls_stream.h"
#include "tests/unit/lib/tls/pki.h"

struct call {
    struct http_stream st;
    struct list node;
    struct kube_bed *bed;
    struct arena arena;
    struct message *head, answer;
    struct buf body;
    struct loop_task grave;
    bool whole, answered, open;
};

static struct pki pki;
static struct pki_leaf leaf;

int kube_bed_set_up(void **state)
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

int kube_bed_tear_down(void **state)
{
    (void)state;
    pki_leaf_dispose(&leaf);
    pki_dispose(&pki);
    return 0;
}

/* ---- one request */

static struct call *call_of(struct http_stream *st)
{
    return container_of(st, struct call, st);
}

static void free_call(struct loop_task *task)
{
    struct call *c = container_of(task, struct call, grave);
    buf_dispose(&c->body);
    arena_dispose(&c->arena);
    mem_free(c);
}

static void end_call(struct call *c)
{
    list_unlink(&c->node);
    loop_bury(c->bed->loop, &c->grave);
}

static void send_text(struct call *c, const char *text, bool end)
{
    struct buf out;
    buf_init(&out);
    buf_append_slice(&out, slice_from_cstr(text));
    http_stream_send_body(&c->st, &out, end);
}

static void answer(struct call *c)
{
    struct kube_bed *b = c->bed;
    const struct kube_bed_answer *a = &b->script[b->script_at++];
    c->answered = true;
    c->open = a->open;
    message_init(&c->answer, &c->arena);
    c->answer.status = (uint16_t)a->status;
    c->answer.version = HTTP_1_1;
    c->answer.content_length = -1;
    if (a->retry_after)
        headers_add_id(&c->answer.headers, HEADER_RETRY_AFTER, slice_from_cstr(a->retry_after));
    http_stream_send_head(&c->st, &c->answer, false);
    send_text(c, a->body ? a->body : "", !a->open);
}

static void run_script(struct kube_bed *b)
{
    LIST_FOREACH_SAFE(node, next, &b->calls)
    {
        struct call *c = container_of(node, struct call, node);
        if (c->whole && !c->answered && b->script_at < b->script_len)
            answer(c);
    }
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
    struct call *c = call_of(st);
    struct kube_bed *b = c->bed;
    char body[2048] = "";
    (void)trailers;
    assert_true(c->body.len < sizeof(body) - 1);
    buf_copy_out(&c->body, body, c->body.len);
    body[c->body.len] = '\0';
    assert_true(b->request_count < KUBE_BED_REQUESTS);
    b->requests[b->request_count++] =
        mem_printf("%.*s %.*s%s%s", SLICE_ARG(c->head->method), SLICE_ARG(c->head->path),
                   body[0] ? " " : "", body);
    struct slice authorization = headers_get_id(&c->head->headers, HEADER_AUTHORIZATION);
    snprintf(b->authorization, sizeof(b->authorization), "%.*s", SLICE_ARG(authorization));
    c->whole = true;
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
    struct kube_bed *b = http_server_owner(s);
    struct call *c = mem_zalloc(sizeof(*c));
    c->bed = b;
    arena_init(&c->arena, 2048);
    buf_init(&c->body);
    loop_task_init(&c->grave, free_call);
    list_init(&c->node);
    list_link_last(&b->calls, &c->node);
    c->st.events = &events;
    c->st.owner = c;
    c->st.arena = &c->arena;
    return &c->st;
}

/* ---- connections */

static void on_server_closed(struct http_server *s, enum err why, const char *detail)
{
    struct kube_bed *b = http_server_owner(s);
    (void)why;
    (void)detail;
    if (b->server == s)
        b->server = NULL;
}

static void on_accept_open(struct stream *s)
{
    static const struct http_server_config config = {.scheme = {"https", 5}};
    static const struct http_server_events events = {
        .on_stream = on_stream,
        .on_closed = on_server_closed,
    };
    struct kube_bed *b = s->owner;
    bool h2 = strcmp(b->alpn, "h2") == 0;
    b->accepting = NULL;
    b->server =
        http_server_create(s, h2 ? HTTP_PROTOCOL_2 : HTTP_PROTOCOL_1, &config, &events, b, NULL);
}

static void on_accept_fail(struct stream *s, enum err why)
{
    (void)why;
    ((struct kube_bed *)s->owner)->accepting = NULL;
    stream_close(s);
}

static void on_accept_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
}

static struct tls_ctx *server_ctx(const struct kube_bed *b)
{
    const char *const alpn[] = {b->alpn, NULL};
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
    struct kube_bed *b = connect_owner;
    struct stream *near, *far;
    assert_int_equal(to->port, 6443);
    memstream_pair(b->loop, NULL, &near, &far);
    stream_use(near, events, owner);
    stream_use(far, &accept_events, b);
    if (b->refuse) {
        b->refused++;
        memstream_cut(near, ERR_REFUSED);
        stream_close(far);
        return near;
    }
    struct tls_ctx *ctx = server_ctx(b);
    b->connections++;
    b->wire = near;
    b->accepting = tls_stream_create(far, ctx, NULL, NULL, &accept_events, b);
    tls_ctx_unref(ctx);
    return near;
}

/* ---- the bed */

void kube_bed_init(struct kube_bed *b, const char *alpn, const char *token_file)
{
    *b = (struct kube_bed){.loop = loop_sim_create(1000), .alpn = alpn};
    list_init(&b->calls);
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
    b->client = kube_client_create(b->loop, &config);
    b->client->dial.connect = accept_one;
    b->client->dial.connect_owner = b;
}

void kube_bed_dispose(struct kube_bed *b)
{
    kube_client_destroy(b->client);
    kube_bed_turn(b);
    if (b->server)
        http_server_close(b->server);
    if (b->accepting)
        stream_close(b->accepting);
    kube_bed_turn(b);
    assert_true(list_is_empty(&b->calls));
    loop_destroy(b->loop);
    for (size_t i = 0; i < b->request_count; i++)
        mem_free(b->requests[i]);
}

void kube_bed_answer(struct kube_bed *b, const struct kube_bed_answer *a)
{
    assert_true(b->script_len < KUBE_BED_REQUESTS);
    b->script[b->script_len++] = *a;
}

static struct call *open_call(struct kube_bed *b)
{
    LIST_FOREACH(node, &b->calls)
    {
        struct call *c = container_of(node, struct call, node);
        if (c->open)
            return c;
    }
    fail_msg("no answer is open");
    return NULL;
}

void kube_bed_push(struct kube_bed *b, const char *text)
{
    send_text(open_call(b), text, false);
    kube_bed_turn(b);
}

void kube_bed_finish(struct kube_bed *b)
{
    struct call *c = open_call(b);
    c->open = false;
    send_text(c, "", true);
    kube_bed_turn(b);
}

void kube_bed_break(struct kube_bed *b)
{
    struct call *c = open_call(b);
    http_stream_reset(&c->st, ERR_IO);
    end_call(c);
    kube_bed_turn(b);
}

void kube_bed_cut(struct kube_bed *b)
{
    memstream_cut(b->wire, ERR_RESET);
    kube_bed_turn(b);
}

void kube_bed_turn(struct kube_bed *b)
{
    size_t before;
    do {
        assert_true(loop_sim_turn(b->loop));
        before = b->script_at;
        run_script(b);
        assert_true(loop_sim_turn(b->loop));
    } while (b->script_at != before);
}

uint64_t kube_bed_await(struct kube_bed *b, size_t requests)
{
    uint64_t began = loop_now_ms(b->loop);
    kube_bed_turn(b);
    while (b->request_count < requests) {
        if (loop_now_ms(b->loop) - began > 3600000)
            fail_msg("%zu requests came, not %zu", b->request_count, requests);
        assert_true(loop_sim_skip(b->loop, 1000000));
        kube_bed_turn(b);
    }
    return loop_now_ms(b->loop) - began;
}

void kube_bed_expect(const struct kube_bed *b, size_t index, const char *request)
{
    assert_true(index < b->request_count);
    assert_string_equal(b->requests[index], request);
}
