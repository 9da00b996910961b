/* Between the discovery stream and the workers: what a worker asks is asked of the stream, and what
 * the stream says reaches the worker.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_discovery.h"

#include "lib/tls/tls_ctx.h"
#include "sidecar/session/subscription.h"
#include "sidecar/worker/worker.h"
#include "tests/sim/control_world.h"
#include "tests/sim/sim_tls_ctx.h"

/* ---- in the place of the stream ---- */

static struct {
    struct source_stream_config config;
    unsigned opened, closed, wanted, dropped, identified;
    struct addr last;
    bool is_answered, is_connected;
    enum err contexts; /* what making one comes to */
    struct tls_mesh_config made;
} stream;

struct source_stream *source_stream_open(struct loop *l, const struct source_stream_config *config)
{
    stream.config = *config;
    stream.opened++;
    return (void *)&stream;
}

void source_stream_close(struct source_stream *s)
{
    stream.closed++;
}

void source_stream_identify(struct source_stream *s, struct tls_ctx *tls)
{
    stream.identified++;
}

bool source_stream_want(struct source_stream *s, const struct addr *addr)
{
    stream.wanted++;
    stream.last = *addr;
    return stream.is_answered;
}

void source_stream_drop(struct source_stream *s, const struct addr *addr)
{
    stream.dropped++;
    stream.last = *addr;
}

bool source_stream_is_connected(const struct source_stream *s)
{
    return stream.is_connected;
}

enum err tls_ctx_create_mesh(const struct tls_mesh_config *config, struct tls_ctx **out,
                             char detail[TLS_DETAIL_MAX])
{
    (void)detail;
    stream.made = *config;
    if (stream.contexts == ERR_OK)
        *out = sim_tls_ctx_client("", "h2");
    return stream.contexts;
}

/* ---- */

static void publish(void *owner, struct snapshot *s)
{
    (void)owner, (void)s;
}

static struct world *open_world(void)
{
    struct world *w = control_world_prepare();
    memset(&stream, 0, sizeof(stream));
    w->app.source = NULL;
    app_discovery_open(&w->app, publish);
    assert_int_equal(stream.opened, 1);
    assert_ptr_equal(stream.config.settings, w->app.settings);
    assert_ptr_equal(stream.config.owner, &w->app);
    assert_ptr_equal(stream.config.publish, publish);
    return w;
}

static void close_world(struct world *w)
{
    app_discovery_close(&w->app);
    assert_int_equal(stream.closed, 1);
    app_discovery_close(&w->app);
    assert_int_equal(stream.closed, 1);
    control_world_close(w);
}

static struct addr an_address(void)
{
    struct addr a;
    assert_int_equal(addr_parse(SLICE("10.96.0.7:80"), &a), ERR_OK);
    return a;
}

/* An address that is answered already is answered at once; else the stream tells it later. */
static void what_a_worker_asks(void **state)
{
    for (int is_known = 0; is_known < 2; is_known++) {
        struct world *w = open_world();
        struct worker *worker = w->bed.worker;
        struct addr to = an_address();
        struct subscription *i = subscription_pin(&worker->subscriptions, &to);
        stream.is_answered = stream.is_connected = is_known;
        app_discovery_interest(&w->app, worker, &to, true);
        assert_int_equal(stream.wanted, 1);
        assert_true(addr_eq(&stream.last, &to));
        control_bed_turn(&w->bed);
        assert_int_equal(i->is_answered, is_known);
        stream.config.on_answers(stream.config.owner, &to, 1, true);
        control_bed_turn(&w->bed);
        assert_true(i->is_answered);
        assert_true(worker->subscriptions.is_connected);
        assert_int_equal(stream.dropped, 0);
        app_discovery_interest(&w->app, worker, &to, false);
        assert_int_equal(stream.wanted, 1);
        assert_int_equal(stream.dropped, 1);
        subscription_unpin(&worker->subscriptions, i);
        close_world(w);
    }
}

/* Who has just begun hears whether there is anybody to ask. */
static void what_a_worker_has_not_heard(void **state)
{
    struct world *w = open_world();
    stream.is_connected = true;
    app_discovery_brief(&w->app, w->bed.worker);
    control_bed_turn(&w->bed);
    assert_true(w->bed.worker->subscriptions.is_connected);
    stream.config.on_answers(stream.config.owner, NULL, 0, false);
    control_bed_turn(&w->bed);
    assert_false(w->bed.worker->subscriptions.is_connected);
    close_world(w);
}

static void identity(void **state)
{
    struct world *w = open_world();
    static char chain[] = "chain", key[] = "key", roots[] = "roots";
    struct identity_material m = {.chain_pem = chain, .key_pem = key, .roots_pem = roots};
    char detail[TLS_DETAIL_MAX] = "";
    assert_int_equal(app_discovery_identify(&w->app, &m, detail), ERR_OK);
    assert_int_equal(stream.identified, 1);
    assert_false(stream.made.is_server);
    assert_true(slice_eq_cstr(stream.made.cert_chain_pem, "chain"));
    assert_true(slice_eq_cstr(stream.made.key_pem, "key"));
    assert_true(slice_eq_cstr(stream.made.roots_pem, "roots"));
    assert_true(slice_eq_cstr(stream.made.trust_domain, "cluster.local"));
    assert_string_equal(stream.made.alpn[0], "h2");
    stream.contexts = ERR_INVALID;
    assert_int_equal(app_discovery_identify(&w->app, &m, detail), ERR_INVALID);
    assert_int_equal(stream.identified, 1);
    close_world(w);
}

/* With a folder there is no stream, and nothing that would be said to it. */
static void without_a_stream(void **state)
{
    struct world *w = control_world_prepare();
    struct addr to = an_address();
    struct identity_material m = {0};
    char detail[TLS_DETAIL_MAX] = "";
    memset(&stream, 0, sizeof(stream));
    stream.is_connected = stream.is_answered = true;
    stream.contexts = ERR_INVALID;
    app_discovery_interest(&w->app, w->bed.worker, &to, true);
    app_discovery_interest(&w->app, w->bed.worker, &to, false);
    app_discovery_brief(&w->app, w->bed.worker);
    assert_int_equal(app_discovery_identify(&w->app, &m, detail), ERR_OK);
    control_bed_turn(&w->bed);
    assert_int_equal(stream.wanted + stream.dropped + stream.identified, 0);
    assert_false(w->bed.worker->subscriptions.is_connected);
    control_world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_worker_asks),
        cmocka_unit_test(what_a_worker_has_not_heard),
        cmocka_unit_test(identity),
        cmocka_unit_test(without_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
