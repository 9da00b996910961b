/* Tests of unary gRPC calls from end to end in memory: client, TLS, HTTP/2, server, on a simulated
 * loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/net/grpc_client.h"
#include "lib/net/grpc_server.h"
#include "lib/net/tls_stream.h"
#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/memstream.h"
#include "tests/unit/lib/tls/pki.h"

static struct tls_ctx *server_h2, *client_h2, *client_h1;

static struct tls_ctx *make_ctx(const struct pki *pki, bool is_server, const char *id,
                                const char *const *alpn)
{
    char why[TLS_DETAIL_MAX];
    struct tls_ctx *c;
    struct pki_leaf leaf = pki_svid(pki, id);
    struct tls_mesh_config config = {
        .is_server = is_server,
        .cert_chain_pem = slice_from_cstr(leaf.chain),
        .key_pem = slice_from_cstr(leaf.key),
        .roots_pem = slice_from_cstr(pki->root),
        .trust_domain = SLICE(PKI_DOMAIN),
        .alpn = alpn,
    };
    assert_int_equal(tls_ctx_create_mesh(&config, &c, why), ERR_OK);
    pki_leaf_dispose(&leaf);
    return c;
}

static int set_up(void **state)
{
    static const char *const h2[] = {"h2", NULL}, *const h1[] = {"http/1.1", NULL},
                             *const both[] = {"h2", "http/1.1", NULL};
    static struct pki pki;
    pki_init(&pki);
    server_h2 = make_ctx(&pki, true, PKI_SERVER_ID, both);
    client_h2 = make_ctx(&pki, false, PKI_CLIENT_ID, h2);
    client_h1 = make_ctx(&pki, false, PKI_CLIENT_ID, h1);
    pki_dispose(&pki);
    return 0;
}

static int tear_down(void **state)
{
    tls_ctx_unref(server_h2);
    tls_ctx_unref(client_h2);
    tls_ctx_unref(client_h1);
    return 0;
}

/* ---- the service */

struct bed {
    struct loop *loop;
    struct grpc_service service;
    struct grpc_client *client;
    struct grpc_server *server; /* of the last connection */
    struct stream *accepting;
    struct stream *last_lower; /* the client's transport */
    unsigned connections, closed, handled, noted;
    struct grpc_call *parked;
    bool refuse; /* the next connections */
    char seen_id[100], seen_header[100];
};

static void echo(struct grpc_call *call, struct slice request)
{
    struct bed *b = grpc_call_owner(call);
    struct stream_info info;
    b->handled++;
    grpc_call_peer(call, &info);
    snprintf(b->seen_id, sizeof(b->seen_id), "%.*s", SLICE_ARG(info.tls_peer->spiffe_id));
    snprintf(b->seen_header, sizeof(b->seen_header), "%.*s",
             SLICE_ARG(grpc_call_metadata(call, "authorization")));
    assert_true(grpc_call_is_live(call));
    grpc_call_reply(call, request.ptr, request.len);
}

static void deny(struct grpc_call *call, struct slice request)
{
    grpc_call_fail(call, GRPC_PERMISSION_DENIED, "not you: %.*s\n", SLICE_ARG(request));
}

static void park(struct grpc_call *call, struct slice request)
{
    struct bed *b = grpc_call_owner(call);
    assert_true(slice_eq_cstr(request, "later"));
    b->parked = call;
}

static void on_call(void *owner, struct slice path, enum grpc_status status, const char *text)
{
    struct bed *b = owner;
    assert_true(path.len > 0);
    assert_true(status == GRPC_OK || text[0]);
    b->noted++;
}

static const struct grpc_method methods[] = {
    {.path = "/test.Test/Echo", .handle = echo},
    {.path = "/test.Test/Deny", .handle = deny},
    {.path = "/test.Test/Park", .handle = park},
};

static void on_server_closed(void *owner, enum err why, const char *detail)
{
    struct bed *b = owner;
    b->closed++;
    b->server = NULL;
}

static void on_accept_open(struct stream *s)
{
    struct bed *b = s->owner;
    b->accepting = NULL;
    b->server = grpc_server_create(s, HTTP_PROTOCOL_2, &b->service, on_server_closed, b);
}

static void on_accept_fail(struct stream *s, enum err why)
{
    struct bed *b = s->owner;
    b->accepting = NULL;
    stream_close(s);
}

static void on_accept_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s;
    (void)owner;
    (void)data;
    (void)len;
    fail_msg("data before the connection was handed over");
}

static const struct stream_events accept_events = {
    .on_open = on_accept_open,
    .on_data = on_accept_data,
    .on_eof = NULL,
    .on_fail = on_accept_fail,
};

static struct stream *dial(struct loop *l, void *owner, const struct stream_events *events,
                           void *stream_owner)
{
    struct bed *b = owner;
    struct stream *near, *far;
    memstream_pair(l, NULL, &near, &far);
    stream_use(near, events, stream_owner);
    b->connections++;
    b->last_lower = near;
    if (b->refuse) {
        memstream_cut(near, ERR_REFUSED);
        stream_use(far, &accept_events, b);
        stream_close(far);
        return near;
    }
    b->accepting = tls_stream_create(far, server_h2, NULL, NULL, &accept_events, b);
    return near;
}

static void open_bed(struct bed *b, struct tls_ctx *client, uint32_t idle_ms)
{
    *b = (struct bed){
        .loop = loop_sim_create(1000),
        .service = {.methods = methods, .method_count = 3, .max_request = 1000, .on_call = on_call},
    };
    b->service.owner = b;
    struct grpc_client_config config = {
        .tls = client,
        .expect_spiffe_id = SLICE(PKI_SERVER_ID),
        .authority = SLICE("certd"),
        .idle_ms = idle_ms,
        .max_response = 1000,
        .dial = dial,
        .dial_owner = b,
    };
    b->client = grpc_client_create(b->loop, &config);
}

static void close_bed(struct bed *b)
{
    grpc_client_destroy(b->client);
    assert_true(loop_sim_turn(b->loop));
    if (b->server)
        grpc_server_close(b->server);
    assert_true(loop_sim_turn(b->loop));
    assert_null(b->server);
    loop_destroy(b->loop);
}

/* ---- calls */

struct answer {
    unsigned count;
    enum grpc_status status;
    char text[200], response[1100];
    size_t len;
};

static void on_done(void *owner, const struct grpc_result *r)
{
    struct answer *a = owner;
    a->count++;
    a->status = r->status;
    snprintf(a->text, sizeof(a->text), "%.*s", SLICE_ARG(r->text));
    assert_true(r->response.len < sizeof(a->response));
    memcpy(a->response, r->response.ptr ? r->response.ptr : "", r->response.len);
    a->response[r->response.len] = 0;
    a->len = r->response.len;
}

static struct grpc_client_call *call(struct bed *b, const char *path, const char *request,
                                     struct answer *a)
{
    static const struct grpc_metadata metadata[] = {
        {SLICE("authorization"), SLICE("Bearer secret"), true},
    };
    *a = (struct answer){0};
    struct grpc_client_call *c =
        grpc_client_call(b->client, path, metadata, 1, slice_from_cstr(request), 5000, on_done, a);
    assert_int_equal(a->count, 0);
    return c;
}

static void test_echo(void **state)
{
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 30000);
    for (unsigned i = 1; i <= 3; i++) {
        call(&b, "/test.Test/Echo", "hello", &a);
        assert_true(loop_sim_turn(b.loop));
        assert_int_equal(a.count, 1);
        assert_int_equal(a.status, GRPC_OK);
        assert_string_equal(a.response, "hello");
        assert_int_equal(b.noted, i);
    }
    call(&b, "/test.Test/Echo", "", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(a.len, 0);
    assert_string_equal(b.seen_id, PKI_CLIENT_ID);
    assert_string_equal(b.seen_header, "Bearer secret");
    assert_int_equal(b.connections, 1);
    close_bed(&b);
}

static void test_many_at_once(void **state)
{
    enum { N = 150 };
    static struct answer a[N];
    struct bed b;
    open_bed(&b, client_h2, 0);
    for (int i = 0; i < N; i++)
        call(&b, "/test.Test/Echo", "many", &a[i]);
    assert_true(loop_sim_turn(b.loop));
    for (int i = 0; i < N; i++) {
        assert_int_equal(a[i].count, 1);
        assert_int_equal(a[i].status, GRPC_OK);
    }
    assert_int_equal(b.connections, 1);
    /* Unused, and not to be kept: it is closed. */
    assert_int_equal(b.closed, 1);
    close_bed(&b);
}

static void test_idle_connection_is_closed(void **state)
{
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 10000);
    call(&b, "/test.Test/Echo", "x", &a);
    loop_sim_advance(b.loop, 9000);
    assert_int_equal(b.closed, 0);
    loop_sim_advance(b.loop, 2000);
    assert_int_equal(b.closed, 1);
    call(&b, "/test.Test/Echo", "again", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(b.connections, 2);
    close_bed(&b);
}

static void test_failures(void **state)
{
    static char big[1200];
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 30000);
    call(&b, "/test.Test/Deny", "bob", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_PERMISSION_DENIED);
    assert_string_equal(a.text, "not you: bob\n");
    call(&b, "/test.Test/Nothing", "x", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_UNIMPLEMENTED);
    memset(big, 'x', sizeof(big) - 1);
    call(&b, "/test.Test/Echo", big, &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_RESOURCE_EXHAUSTED);
    assert_int_equal(b.handled, 0);
    call(&b, "/test.Test/Echo", "still works", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(b.connections, 1);
    close_bed(&b);
}

static void test_later_answer(void **state)
{
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 30000);
    call(&b, "/test.Test/Park", "later", &a);
    loop_sim_advance(b.loop, 2000);
    assert_int_equal(a.count, 0);
    assert_non_null(b.parked);
    grpc_call_reply(b.parked, "now", 3);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_OK);
    assert_string_equal(a.response, "now");
    close_bed(&b);
}

/* The client gives up; the method answers all the same, to nobody. */
static void test_deadline(void **state)
{
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 30000);
    call(&b, "/test.Test/Park", "later", &a);
    loop_sim_advance(b.loop, 4900);
    assert_int_equal(a.count, 0);
    loop_sim_advance(b.loop, 200);
    assert_int_equal(a.count, 1);
    assert_int_equal(a.status, GRPC_DEADLINE_EXCEEDED);
    assert_false(grpc_call_is_live(b.parked));
    grpc_call_reply(b.parked, "too late", 8);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.count, 1);
    close_bed(&b);
}

static void test_cancel(void **state)
{
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 30000);
    struct grpc_client_call *c = call(&b, "/test.Test/Park", "later", &a);
    assert_true(loop_sim_turn(b.loop));
    grpc_client_cancel(c);
    assert_true(loop_sim_turn(b.loop));
    assert_false(grpc_call_is_live(b.parked));
    grpc_call_fail(b.parked, GRPC_INTERNAL, "nobody hears this");
    grpc_client_cancel(call(&b, "/test.Test/Echo", "never sent", &a));
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.count, 0);
    assert_int_equal(b.handled, 0);
    close_bed(&b);
}

static void test_connection_breaks(void **state)
{
    struct bed b;
    struct answer a;
    open_bed(&b, client_h2, 30000);
    call(&b, "/test.Test/Park", "later", &a);
    assert_true(loop_sim_turn(b.loop));
    memstream_cut(b.last_lower, ERR_RESET);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.count, 1);
    assert_int_equal(a.status, GRPC_UNAVAILABLE);
    grpc_call_reply(b.parked, "x", 1);
    call(&b, "/test.Test/Echo", "a new connection", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(b.connections, 2);
    close_bed(&b);
}

static void test_refused(void **state)
{
    struct bed b;
    struct answer a[2];
    open_bed(&b, client_h2, 30000);
    b.refuse = true;
    call(&b, "/test.Test/Echo", "x", &a[0]);
    call(&b, "/test.Test/Echo", "x", &a[1]);
    assert_true(loop_sim_turn(b.loop));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a[i].count, 1);
        assert_int_equal(a[i].status, GRPC_UNAVAILABLE);
        assert_non_null(strstr(a[i].text, "refused"));
    }
    assert_int_equal(b.connections, 1);
    close_bed(&b);
    open_bed(&b, client_h1, 30000); /* a peer that does not speak HTTP/2 */
    call(&b, "/test.Test/Echo", "x", &a[0]);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a[0].status, GRPC_UNAVAILABLE);
    assert_non_null(strstr(a[0].text, "HTTP/2"));
    close_bed(&b);
}

/* A drained server answers what it has and takes no more; the client goes elsewhere. */
static void test_server_drains(void **state)
{
    struct bed b;
    struct answer a, a2;
    open_bed(&b, client_h2, 30000);
    call(&b, "/test.Test/Park", "later", &a);
    assert_true(loop_sim_turn(b.loop));
    grpc_server_drain(b.server);
    loop_sim_advance(b.loop, 2000);
    assert_int_equal(a.count, 0);
    call(&b, "/test.Test/Echo", "elsewhere", &a2);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a2.status, GRPC_OK);
    assert_int_equal(b.connections, 2);
    grpc_call_reply(b.parked, "last words", 10);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(a.status, GRPC_OK);
    assert_int_equal(b.closed, 1);
    grpc_client_destroy(b.client);
    assert_true(loop_sim_turn(b.loop));
    assert_int_equal(b.closed, 2);
    loop_destroy(b.loop);
}

/* Everything is given up while calls are in every state. */
static void test_destroy_with_calls(void **state)
{
    struct bed b;
    struct answer a[3];
    open_bed(&b, client_h2, 30000);
    call(&b, "/test.Test/Park", "later", &a[0]);
    assert_true(loop_sim_turn(b.loop));
    call(&b, "/test.Test/Echo", "x", &a[1]);
    grpc_client_destroy(b.client);
    b.client = NULL;
    assert_true(loop_sim_turn(b.loop));
    grpc_call_reply(b.parked, "x", 1);
    assert_int_equal(a[0].count + a[1].count, 0);
    close_bed(&b);
}

static void destroy_in_done(void *owner, const struct grpc_result *r)
{
    struct bed *b = owner;
    (void)r;
    grpc_client_destroy(b->client);
    b->client = NULL;
}

static void test_destroy_in_answer(void **state)
{
    struct bed b;
    open_bed(&b, client_h2, 30000);
    grpc_client_call(b.client, "/test.Test/Echo", NULL, 0, SLICE("x"), 1000, destroy_in_done, &b);
    assert_true(loop_sim_turn(b.loop));
    assert_null(b.client);
    close_bed(&b);
    open_bed(&b, client_h2, 30000);
    b.refuse = true;
    grpc_client_call(b.client, "/test.Test/Echo", NULL, 0, SLICE("x"), 1000, destroy_in_done, &b);
    struct answer a;
    call(&b, "/test.Test/Echo", "dropped", &a);
    assert_true(loop_sim_turn(b.loop));
    assert_null(b.client);
    assert_int_equal(a.count, 0);
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_idle_connection_is_closed),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_later_answer),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_connection_breaks),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_server_drains),
        cmocka_unit_test(test_destroy_with_calls),
        cmocka_unit_test(test_destroy_in_answer),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
