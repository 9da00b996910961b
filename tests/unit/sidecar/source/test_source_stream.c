/* Tests of configuration from policyd: what is said and acknowledged, what is refused, coming back,
 * and what an app calls; against a policyd in memory, on a simulated loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/source/source_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/tls/pki.h"
#include "tests/unit/sidecar/config/discovery_bed.h"

#define VIP "10.96.0.10:80"
#define CLUSTER "cluster/app"
#define DESTINATION "destination/default/app:80"

struct world {
    struct loop *loop;
    struct discovery_bed policyd;
    struct settings settings;
    struct source_stream *source;
    struct config_make make;
    struct snapshot *snapshot; /* published last */
    unsigned published, answered;
    bool is_connected;
    char answers[200];
};

static void on_publish(void *owner, struct snapshot *s)
{
    struct world *w = owner;
    snapshot_unref(w->snapshot);
    w->snapshot = s;
    w->published++;
}

static void on_answers(void *owner, const struct addr *addrs, size_t count, bool is_connected)
{
    struct world *w = owner;
    char text[ADDR_TEXT_MAX];
    w->is_connected = is_connected;
    w->answered += (unsigned)count;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(w->answers);
        snprintf(w->answers + len, sizeof(w->answers) - len, "%s ", addr_format(&addrs[i], text));
    }
}

static void open_source(struct world *w)
{
    struct source_stream_config config = {
        .settings = &w->settings,
        .publish = on_publish,
        .on_answers = on_answers,
        .owner = w,
        .dial = discovery_bed_dial,
        .dial_owner = &w->policyd,
    };
    w->source = source_stream_open(w->loop, &config);
}

static void turn(struct world *w)
{
    assert_true(loop_sim_turn(w->loop));
}

static void identify(struct world *w)
{
    struct tls_ctx *ctx = discovery_bed_client(&w->policyd);
    source_stream_identify(w->source, ctx);
    tls_ctx_unref(ctx);
    loop_sim_advance(w->loop, 10);
}

static int set_up(void **state)
{
    static char space[] = "shop", pod[] = "frontend-1", account[] = "frontend",
                domain[] = PKI_DOMAIN, label[] = "shop/frontend-1", host[] = "policyd",
                address[] = "policyd:15012", control[] = "weft-system";
    static struct world w;
    w = (struct world){.loop = loop_sim_create(1000)};
    w.settings = (struct settings){
        .mode = MODE_SIDECAR,
        .namespace_name = space,
        .workload = pod,
        .service_account = account,
        .trust_domain = domain,
        .source_label = label,
        .discovery = address,
        .discovery_host = host,
        .discovery_port = 15012,
        .control_namespace = control,
    };
    atomic_store(&log_threshold, LOG_ERROR);
    discovery_bed_open(&w.policyd, w.loop);
    config_make_init(&w.make);
    open_source(&w);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    source_stream_close(w->source);
    turn(w);
    if (w->policyd.connection)
        grpc_server_close(w->policyd.connection);
    turn(w);
    discovery_bed_close(&w->policyd);
    config_make_dispose(&w->make);
    snapshot_unref(w->snapshot);
    loop_destroy(w->loop);
    return 0;
}

/* ---- what policyd sends */

static void add_destination(struct world *w, uint64_t version)
{
    config_make_endpoint(&w->make, config_make_cluster(&w->make, "app", version), "10.0.0.1:8080");
    Weft__Config__V1__Destination *d =
        config_make_destination(&w->make, "default/app:80", version, 80);
    CONFIG_PUSH(&w->make, d, addresses, config_make_text(&w->make, VIP));
    d->default_cluster = config_make_text(&w->make, "app");
}

/* Of everything that is in `make` now. */
static void add_digests(struct world *w)
{
    for (size_t i = 0; i < w->make.message.n_resources; i++)
        discovery_bed_digest(&w->policyd, w->make.message.resources[i]->name,
                             w->make.message.resources[i]->version);
}

static void send_update(struct world *w, const char *const *removed, const char *const *answers)
{
    discovery_bed_send(&w->policyd, &w->make, removed, answers);
    turn(w);
    config_make_clear(&w->make);
}

static void start(struct world *w)
{
    identify(w);
    config_make_inbound(&w->make, 7);
    add_digests(w);
    send_update(w, NULL, NULL);
    assert_int_equal(w->policyd.acks, 1);
    assert_true(w->is_connected);
}

static struct addr addr_of(const char *text)
{
    struct addr a;
    assert_int_equal(addr_parse(slice_from_cstr(text), &a), ERR_OK);
    return a;
}

static bool is_known(const struct world *w, const char *address)
{
    struct addr a = addr_of(address);
    return w->snapshot && snapshot_destination_by_addr(w->snapshot, &a);
}

/* ---- tests */

static void test_waits_for_an_identity(void **state)
{
    struct world *w = *state;
    loop_sim_advance(w->loop, 60000);
    assert_int_equal(w->policyd.dials, 0);
    identify(w);
    assert_int_equal(w->policyd.hellos, 1);
    assert_string_equal(w->policyd.hello->hello->pod, "frontend-1");
    assert_int_equal(w->policyd.hello->hello->n_known, 0);
    assert_false(w->is_connected);
    assert_int_equal(w->published, 0);
}

static void test_updates(void **state)
{
    struct world *w = *state;
    start(w);
    assert_int_equal(w->published, 1);
    add_destination(w, 3);
    add_digests(w);
    send_update(w, NULL, NULL);
    assert_true(is_known(w, VIP));
    assert_int_equal(w->policyd.acks, 2);
    assert_int_equal(w->policyd.last->ack->serial, 2);
    assert_int_equal(w->policyd.last->ack->digest, w->policyd.digest);
    const char *const gone[] = {CLUSTER, DESTINATION, NULL};
    discovery_bed_digest(&w->policyd, CLUSTER, 3);
    discovery_bed_digest(&w->policyd, DESTINATION, 3);
    send_update(w, gone, NULL);
    assert_false(is_known(w, VIP));
    assert_int_equal(w->policyd.acks, 3);
    /* Nothing new is no new version. */
    send_update(w, NULL, NULL);
    assert_int_equal(w->published, 3);
    assert_int_equal(w->policyd.acks, 4);
}

static void test_refused_update(void **state)
{
    struct world *w = *state;
    start(w);
    add_destination(w, 3);
    config_make_workload(&w->make, "not an address", "x", 1);
    add_digests(w);
    send_update(w, NULL, NULL);
    assert_int_equal(w->policyd.nacks, 0);
    assert_int_equal(w->policyd.acks, 2);
    assert_int_equal(w->policyd.last->ack->serial, 2);
    assert_non_null(strstr(w->policyd.last->ack->refused, "not an address"));
    assert_int_equal(w->published, 2);
    /* What is good of it is in force. */
    assert_true(is_known(w, VIP));
    struct source_stream_status status;
    source_stream_read(w->source, &status);
    assert_int_equal(status.rejected, 1);
}

static void test_what_is_not_ours(void **state)
{
    struct world *w = *state;
    start(w);
    config_make_inbound(&w->make, 8)->workload = config_make_text(&w->make, "shop/other-1");
    send_update(w, NULL, NULL);
    assert_int_equal(w->policyd.nacks, 1);
    assert_non_null(strstr(w->policyd.last->nack->detail, "another workload"));
    config_make_gateway(&w->make, "shop/web:80", 1, 80);
    send_update(w, NULL, NULL);
    assert_int_equal(w->policyd.nacks, 2);
    config_make_inbound(&w->make, 9)->workload = config_make_text(&w->make, "shop/frontend-1");
    w->policyd.digest = 0;
    add_digests(w);
    send_update(w, NULL, NULL);
    assert_int_equal(w->policyd.nacks, 2);
    assert_int_equal(w->policyd.acks, 2);
}

/* A gateway is nobody's workload, and one Gateway is not another. */
static void test_what_is_not_a_gateways(void **state)
{
    static char gateway[] = "front";
    struct world *w = *state;
    w->settings.mode = MODE_INGRESS;
    w->settings.gateway = gateway;
    identify(w);
    assert_string_equal(w->policyd.hello->hello->gateway, "front");
    config_make_inbound(&w->make, 7);
    send_update(w, NULL, NULL);
    assert_non_null(strstr(w->policyd.last->nack->detail, "a gateway has no inbound"));
    static const char *const others[] = {"shop/frontal:80", "other/front:80", "shop/fron:80"};
    for (unsigned i = 0; i < 3; i++) {
        config_make_gateway(&w->make, others[i], 1, 80);
        send_update(w, NULL, NULL);
        assert_non_null(strstr(w->policyd.last->nack->detail, "another gateway's"));
    }
    config_make_gateway(&w->make, "shop/front:80", 1, 80);
    add_digests(w);
    send_update(w, NULL, NULL);
    assert_int_equal(w->policyd.acks, 1);
}

static void test_comes_back(void **state)
{
    struct world *w = *state;
    start(w);
    add_destination(w, 3);
    add_digests(w);
    send_update(w, NULL, NULL);
    w->policyd.is_away = true;
    grpc_stream_close(w->policyd.stream, GRPC_UNAVAILABLE, "restarting");
    w->policyd.stream = NULL;
    grpc_server_close(w->policyd.connection);
    loop_sim_advance(w->loop, 60000);
    assert_false(w->is_connected);
    assert_true(is_known(w, VIP));
    unsigned dials = w->policyd.dials;
    assert_in_range(dials, 6, 20);
    w->policyd.is_away = false;
    loop_sim_advance(w->loop, 10000);
    assert_int_equal(w->policyd.hellos, 2);
    assert_int_equal(w->policyd.hello->hello->n_known, 3);
    send_update(w, NULL, NULL);
    assert_true(w->is_connected);
    assert_int_equal(w->policyd.acks, 3);
    assert_int_equal(w->published, 2);
}

/* A policyd with another's certificate is none. */
static void test_impostor(void **state)
{
    struct world *w = *state;
    w->policyd.is_impostor = true;
    identify(w);
    loop_sim_advance(w->loop, 3000);
    assert_int_equal(w->policyd.hellos, 0);
    assert_false(w->is_connected);
    struct source_stream_status status;
    source_stream_read(w->source, &status);
    assert_true(status.problem[0]);
    w->policyd.is_impostor = false;
    loop_sim_advance(w->loop, 10000);
    assert_int_equal(w->policyd.hellos, 1);
}

static void test_silent_policyd(void **state)
{
    struct world *w = *state;
    identify(w);
    loop_sim_advance(w->loop, 30000);
    assert_int_equal(w->policyd.hellos, 2);
}

static void test_resync(void **state)
{
    struct world *w = *state;
    start(w);
    uint64_t before = w->policyd.digest;
    w->policyd.digest ^= 1; /* an update was lost, it thinks */
    add_destination(w, 3);
    add_digests(w);
    send_update(w, NULL, NULL);
    assert_true(is_known(w, VIP));
    assert_int_equal(w->policyd.acks, 1);
    loop_sim_advance(w->loop, 1000);
    assert_int_equal(w->policyd.hellos, 2);
    assert_int_equal(w->policyd.hello->hello->n_known, 0);
    /* All anew: what is not in it is gone. */
    w->policyd.digest = before;
    config_make_inbound(&w->make, 7);
    send_update(w, NULL, NULL);
    assert_false(is_known(w, VIP));
    assert_int_equal(w->policyd.acks, 2);
    struct source_stream_status status;
    source_stream_read(w->source, &status);
    assert_int_equal(status.resyncs, 1);
    assert_int_equal(status.resources, 1);
}

static void test_asks_what_the_app_calls(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of(VIP), far = addr_of("[2001:db8::1]:443");
    assert_false(source_stream_want(w->source, &far));
    start(w);
    assert_int_equal(w->policyd.hello->hello->n_addresses, 1);
    assert_string_equal(w->policyd.hello->hello->addresses[0], "[2001:db8::1]:443");
    assert_false(source_stream_want(w->source, &vip));
    assert_false(source_stream_want(w->source, &vip)); /* another worker */
    turn(w);
    assert_int_equal(w->policyd.subscriptions, 1);
    assert_int_equal(w->policyd.subscription->subscription->n_subscribe, 1);
    assert_string_equal(w->policyd.subscription->subscription->subscribe[0], VIP);
    add_destination(w, 3);
    add_digests(w);
    const char *const answers[] = {VIP, DESTINATION, "[2001:db8::1]:443", "", NULL};
    send_update(w, NULL, answers);
    assert_string_equal(w->answers, VIP " [2001:db8::1]:443 ");
    assert_true(is_known(w, VIP));
    assert_true(source_stream_want(w->source, &vip));
    /* Three want it; the last to let go is heard. */
    source_stream_drop(w->source, &vip);
    source_stream_drop(w->source, &vip);
    turn(w);
    assert_int_equal(w->policyd.subscriptions, 1);
    source_stream_drop(w->source, &vip);
    turn(w);
    assert_int_equal(w->policyd.subscriptions, 2);
    assert_int_equal(w->policyd.subscription->subscription->n_unsubscribe, 1);
    assert_string_equal(w->policyd.subscription->subscription->unsubscribe[0], VIP);
    assert_false(source_stream_want(w->source, &vip));
}

/* What was wanted while policyd was away is in the next hello; what no longer is, is not. */
static void test_wants_while_away(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of(VIP), other = addr_of("10.0.0.9:1");
    w->policyd.is_away = true;
    identify(w);
    source_stream_want(w->source, &vip);
    source_stream_want(w->source, &other);
    loop_sim_advance(w->loop, 5000);
    source_stream_drop(w->source, &other);
    turn(w);
    w->policyd.is_away = false;
    loop_sim_advance(w->loop, 10000);
    assert_int_equal(w->policyd.hellos, 1);
    assert_int_equal(w->policyd.hello->hello->n_addresses, 1);
    assert_string_equal(w->policyd.hello->hello->addresses[0], VIP);
    assert_int_equal(w->policyd.subscriptions, 0);
}

/* What is wanted and left again and again while policyd is away is not remembered. */
static void test_changes_of_mind_while_away(void **state)
{
    struct world *w = *state;
    struct addr vip = addr_of(VIP);
    struct source_stream_status status;
    w->policyd.is_away = true;
    identify(w);
    for (int i = 0; i < 6; i++) {
        i % 2 ? source_stream_drop(w->source, &vip) : (void)source_stream_want(w->source, &vip);
        turn(w);
        source_stream_read(w->source, &status);
        assert_int_equal(status.addresses, 1 - i % 2);
    }
}

static void test_new_certificate(void **state)
{
    struct world *w = *state;
    start(w);
    identify(w);
    loop_sim_advance(w->loop, 3000);
    assert_int_equal(w->policyd.dials, 2);
    assert_int_equal(w->policyd.hellos, 2);
    assert_int_equal(w->policyd.hello->hello->n_known, 1);
}

static void test_last_good(void **state)
{
    struct world *w = *state;
    char dir[] = "/tmp/weft-stream-XXXXXX";
    assert_non_null(mkdtemp(dir));
    source_stream_close(w->source);
    w->settings.last_good_file = mem_printf("%s/last-good", dir);
    open_source(w);
    assert_int_equal(w->published, 0);
    start(w);
    add_destination(w, 3);
    add_digests(w);
    send_update(w, NULL, NULL);
    source_stream_close(w->source);
    turn(w);
    w->published = 0;
    w->policyd.is_away = true;
    open_source(w);
    assert_int_equal(w->published, 1);
    assert_true(is_known(w, VIP));
    w->policyd.is_away = false;
    identify(w);
    assert_int_equal(w->policyd.hello->hello->n_known, 3);
    assert_int_equal(unlink(w->settings.last_good_file), 0);
    mem_free(w->settings.last_good_file);
    w->settings.last_good_file = NULL;
    assert_int_equal(rmdir(dir), 0);
}

/* What cannot be read ends the stream and changes nothing. */
static void test_garbage(void **state)
{
    struct world *w = *state;
    start(w);
    grpc_stream_send(w->policyd.stream, "\xff\xff\xff", 3);
    turn(w);
    assert_int_equal(w->published, 1);
    loop_sim_advance(w->loop, 2000);
    assert_int_equal(w->policyd.hellos, 2);
    /* So does a serial that was there before. */
    w->policyd.serial = 0;
    send_update(w, NULL, NULL);
    w->policyd.serial = 0;
    send_update(w, NULL, NULL);
    loop_sim_advance(w->loop, 2000);
    assert_int_equal(w->policyd.hellos, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(test_waits_for_an_identity),
        T(test_updates),
        T(test_refused_update),
        T(test_what_is_not_ours),
        T(test_what_is_not_a_gateways),
        T(test_comes_back),
        T(test_impostor),
        T(test_silent_policyd),
        T(test_resync),
        T(test_asks_what_the_app_calls),
        T(test_wants_while_away),
        T(test_changes_of_mind_while_away),
        T(test_new_certificate),
        T(test_last_good),
        T(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
