/* What people and Kubernetes ask a running process: readiness, liveness, metrics, what it does
 * right now; and what they tell it to do. SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_admin.h"

#include <stdio.h>

#include "lib/codec/doc/doc_json.h"
#include "sidecar/worker/mesh_identity.h"
#include "sidecar/worker/worker.h"
#include "tests/sim/control_world.h"

static void expect_without(struct world *w, const char *path, const char *part)
{
    if (strstr(control_world_ask(w, &w->admin, "GET", path), part))
        fail_msg("%s: \"%s\" is there", path, part);
}

/* ---- health ---- */

static void readiness(void **state)
{
    struct world *w = control_world_open();
    const struct addr *const places[] = {&w->health, &w->admin};
    for (unsigned i = 0; i < 2; i++) {
        control_world_expect(w, places[i], "GET", "/healthz/ready", 200, "ready");
        w->app.listening = 0;
        control_world_expect(w, places[i], "GET", "/healthz/ready", 503, "not listening yet");
        w->app.listening = 1;
        struct snapshot *s = w->app.snapshot;
        w->app.snapshot = NULL;
        control_world_expect(w, places[i], "GET", "/healthz/ready", 503,
                             "waiting for a configuration");
        w->app.snapshot = s;
        w->app.is_leaving = true;
        control_world_expect(w, places[i], "GET", "/healthz/ready", 503, "draining");
        w->app.is_leaving = false;
        w->app.is_draining = true;
        control_world_expect(w, places[i], "GET", "/healthz/ready", 503, "draining");
        w->app.is_draining = false;
    }
    control_world_close(w);
}

/* Without a first configuration, why there is none. */
static void readiness_says_why(void **state)
{
    struct world *w = control_world_open();
    struct snapshot *s = w->app.snapshot;
    struct mesh_identity *mesh = w->app.mesh;
    control_world_use_stream(w);
    w->app.snapshot = NULL;
    w->app.mesh = NULL;
    control_world_expect(w, &w->health, "GET", "/healthz/ready", 503, "waiting for a certificate");
    w->app.mesh = (struct mesh_identity *)(void *)w; /* is not looked at */
    control_world_expect(w, &w->health, "GET", "/healthz/ready", 503,
                         "waiting for a configuration: refused");
    fakes.stream.problem = "";
    control_world_expect(w, &w->health, "GET", "/healthz/ready", 503,
                         "waiting for a configuration: the one that policyd sent cannot be used");
    fakes.stream.rejected = 0;
    control_world_expect(w, &w->health, "GET", "/healthz/ready", 503,
                         "waiting for a configuration\n");
    w->app.snapshot = s;
    w->app.mesh = mesh;
    control_world_expect(w, &w->health, "GET", "/healthz/ready", 200, "ready");
    control_world_close(w);
}

/* Whoever is not ready is alive all the same. */
static void liveness(void **state)
{
    struct world *w = control_world_open();
    w->app.is_draining = true;
    w->app.listening = 0;
    control_world_expect(w, &w->health, "GET", "/healthz/live", 200, "live");
    control_world_expect(w, &w->admin, "GET", "/healthz/live", 404, "");
    control_world_close(w);
}

/* Before the first worker runs there is nobody to ask. */
static void no_workers_yet(void **state)
{
    struct world *w = control_world_open();
    w->app.worker_count = 0;
    control_world_expect(w, &w->health, "GET", "/healthz/live", 200, "live");
    control_world_expect(w, &w->admin, "GET", "/clusters", 200, "\r\n\r\n[]\n");
    w->app.worker_count = 1;
    control_world_close(w);
}

/* ---- what it does right now ---- */

static const struct doc *json_of(struct world *w, struct arena *arena, const char *path)
{
    struct doc_error error;
    const struct doc *doc;
    const char *got = control_world_ask(w, &w->admin, "GET", path), *body = strstr(got, "\r\n\r\n");
    assert_non_null(body);
    assert_non_null(strstr(got, "content-type: application/json"));
    if (doc_json_parse(slice_from_cstr(body + 4), arena, &doc, &error) != ERR_OK)
        fail_msg("%s: %s in\n%s", path, error.text, body);
    return doc;
}

static void check_text(const struct doc *d, const char *path, const char *want)
{
    struct slice got = doc_string(doc_find(d, path));
    if (!slice_eq_cstr(got, want))
        fail_msg("%s: want \"%s\", got \"%.*s\"", path, want, SLICE_ARG(got));
}

static void check_number(const struct doc *d, const char *path, int64_t want)
{
    const struct doc *at = doc_find(d, path);
    if (!at || at->type != DOC_INT || at->integer != want)
        fail_msg("%s: want %lld, got %lld", path, (long long)want,
                 at && at->type == DOC_INT ? (long long)at->integer : -1);
}

static void check_bool(const struct doc *d, const char *path, bool want)
{
    const struct doc *at = doc_find(d, path);
    if (!at || at->type != DOC_BOOL || at->boolean != want)
        fail_msg("%s: want %d", path, want);
}

static void status_page(void **state)
{
    struct world *w = control_world_open();
    static char folder[] = "/etc/weft", name[] = "default", pod[] = "app-1", gateway[] = "front";
    struct arena arena;
    arena_init(&arena, 4096);
    w->bed.settings->policy_dir = folder;
    w->bed.settings->namespace_name = name;
    w->bed.settings->workload = pod;
    fakes.rejected = 3;
    const struct doc *d = json_of(w, &arena, "/status");
    check_text(d, "version", WEFT_VERSION);
    check_text(d, "mode", "sidecar");
    check_text(d, "namespace", "default");
    check_text(d, "workload", "app-1");
    check_text(d, "policy_dir", "/etc/weft");
    check_number(d, "config_rejected", 3);
    check_number(d, "config_version", (int64_t)snapshot_version(w->app.snapshot));
    assert_true(doc_find(d, "memory_fresh_blocks")->integer > 0);
    check_bool(d, "draining", false);
    check_number(d, "workers[0]", 7);
    assert_int_equal(doc_find(d, "identity")->count, 0);
    assert_null(doc_find(d, "discovery"));
    /* A gateway that has no configuration yet and is told to go. */
    struct snapshot *s = w->app.snapshot;
    w->app.snapshot = NULL;
    w->app.is_draining = true;
    w->bed.settings->mode = MODE_INGRESS;
    w->bed.settings->workload = NULL;
    w->bed.settings->gateway = gateway;
    d = json_of(w, &arena, "/status");
    check_text(d, "mode", "ingress");
    check_text(d, "workload", "front");
    check_number(d, "config_version", 0);
    check_bool(d, "draining", true);
    control_world_expect(w, &w->admin, "GET", "/config_dump", 503, "no configuration yet");
    w->app.snapshot = s;
    w->app.is_draining = false;
    w->bed.settings->mode = MODE_SIDECAR;
    arena_dispose(&arena);
    control_world_close(w);
}

static void status_of_discovery_and_identity(void **state)
{
    struct world *w = control_world_open();
    struct arena arena;
    static char id[] = "spiffe://cluster.local/ns/default/sa/app";
    struct mesh_identity mesh = {.generation = 5, .spiffe_id = id, .not_after_ms = 1000};
    arena_init(&arena, 4096);
    control_world_use_stream(w);
    w->app.mesh = &mesh;
    const struct doc *d = json_of(w, &arena, "/status");
    check_number(d, "config_rejected", 13);
    check_text(d, "discovery.address", "weft-policyd:15012");
    check_bool(d, "discovery.connected", true);
    check_text(d, "discovery.problem", "refused");
    check_number(d, "discovery.serial", 11);
    check_number(d, "discovery.updates", 12);
    check_number(d, "discovery.resyncs", 14);
    check_number(d, "discovery.resources", 15);
    check_number(d, "discovery.addresses", 16);
    assert_null(doc_find(d, "policy_dir"));
    check_text(d, "identity.spiffe_id", id);
    check_number(d, "identity.generation", 5);
    /* Long over: counted from now, in seconds. */
    assert_true(doc_find(d, "identity.seconds_left")->integer < -1000000000);
    assert_true(doc_find(d, "identity.seconds_left")->integer > -100000000000);
    arena_dispose(&arena);
    control_world_close(w);
}

static void clusters_page(void **state)
{
    struct world *w = control_world_open();
    struct arena arena;
    arena_init(&arena, 4096);
    struct sim_peer *client = control_bed_begin_request(&w->bed);
    const struct doc *d = json_of(w, &arena, "/clusters");
    assert_int_equal(d->count, 1);
    check_number(d, "[0].worker", 0);
    check_number(d, "[0].config_version", (int64_t)snapshot_version(w->app.snapshot));
    check_number(d, "[0].sessions", 1);
    check_number(d, "[0].exchanges", 1);
    assert_int_equal(doc_find(d, "[0].clusters")->count, 1);
    check_text(d, "[0].clusters[0].name", "app");
    check_number(d, "[0].clusters[0].active", 1);
    check_number(d, "[0].clusters[0].pending", 0);
    check_number(d, "[0].clusters[0].connections", 1);
    check_text(d, "[0].clusters[0].endpoints[0].address", "10.0.0.1:8080");
    check_bool(d, "[0].clusters[0].endpoints[0].ready", true);
    check_bool(d, "[0].clusters[0].endpoints[0].meshed", false);
    check_bool(d, "[0].clusters[0].endpoints[0].ejected", false);
    check_number(d, "[0].clusters[0].endpoints[0].active", 1);
    check_number(d, "[0].clusters[0].endpoints[0].connections", 1);
    assert_non_null(doc_find(d, "[0].clusters[0].endpoints[0].workload"));
    sim_peer_destroy(client);
    arena_dispose(&arena);
    control_world_close(w);
}

/* One that was made for a single address, which no configuration knows, is there as well. */
static void clusters_page_of_addresses(void **state)
{
    struct world *w = control_world_open();
    struct arena arena;
    arena_init(&arena, 4096);
    struct sim_peer *known = control_bed_begin_request(&w->bed),
                    *client = control_bed_begin_passthrough(&w->bed, "192.0.2.7:9000");
    const struct doc *d = json_of(w, &arena, "/clusters");
    assert_int_equal(doc_find(d, "[0].clusters")->count, 2);
    check_text(d, "[0].clusters[0].name", "app");
    check_text(d, "[0].clusters[1].endpoints[0].address", "192.0.2.7:9000");
    check_text(d, "[0].clusters[1].name", "passthrough");
    check_number(d, "[0].clusters[1].active", 1);
    sim_peer_destroy(known);
    sim_peer_destroy(client);
    arena_dispose(&arena);
    control_world_close(w);
}

static void config_page(void **state)
{
    struct world *w = control_world_open();
    struct arena arena;
    arena_init(&arena, 4096);
    const struct doc *d = json_of(w, &arena, "/config_dump");
    check_text(d, "clusters[0].name", "app");
    arena_dispose(&arena);
    control_world_close(w);
}

/* ---- metrics ---- */

static void metrics_page(void **state)
{
    struct world *w = control_world_open();
    struct mesh_identity mesh = {.not_after_ms = 1700000000999};
    char line[64];
    snprintf(line, sizeof(line), "\nweft_config_version %llu\n",
             (unsigned long long)snapshot_version(w->app.snapshot));
    fakes.rejected = 3;
    fakes.renewals = 4;
    fakes.is_trusted = true;
    fakes.failures = 6;
    control_world_expect(w, &w->metrics, "GET", "/metrics", 200, line);
    control_world_expect(w, &w->metrics, "GET", "/stats/prometheus", 200,
                         "\nweft_config_rejected_total 3\n");
    control_world_expect(w, &w->admin, "GET", "/metrics", 200,
                         "\nweft_certificate_renewals_total 0\n");
    control_world_expect(w, &w->admin, "GET", "/metrics", 200, "\nweft_certificate_trusted 0\n");
    expect_without(w, "/metrics", "weft_app_metrics_up");
    w->app.identity = (void *)w;
    w->app.mesh = &mesh;
    control_world_use_stream(w);
    w->bed.worker->unbound = 2;
    struct sim_peer *client = control_bed_begin_request(&w->bed);
    const char *const lines[] = {"\nweft_certificate_renewals_total 4\n",
                                 "\nweft_certificate_trusted 1\n",
                                 "\nweft_certificate_request_failures 6\n",
                                 "\nweft_certificate_expiry_timestamp_seconds 1700000000\n",
                                 "\nweft_config_rejected_total 13\n",
                                 "\nweft_discovery_connected 1\n",
                                 "\nweft_sessions_active 1\n",
                                 "\nweft_exchanges_active 1\n",
                                 "\nweft_gateway_listeners_missing 2\n",
                                 "\nweft_discovery_updates_total 12\n",
                                 "\nweft_discovery_resyncs_total 14\n",
                                 "\nweft_discovery_addresses 16\n"};
    for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        control_world_expect(w, &w->metrics, "GET", "/metrics", 200, lines[i]);
    sim_peer_destroy(client);
    w->bed.worker->unbound = 0;
    assert_int_equal(w->app.metrics_pages, 0);
    control_world_close(w);
}

/* Who does not read his page holds one; there are only so many. */
static void metrics_are_bounded(void **state)
{
    enum { MOST = 4 };
    struct world *w = control_world_open();
    w->app.metrics_pages = MOST - 1;
    control_world_expect(w, &w->metrics, "GET", "/metrics", 200, "weft_config_version");
    assert_int_equal(w->app.metrics_pages, MOST - 1);
    w->app.metrics_pages = MOST;
    control_world_expect(w, &w->metrics, "GET", "/metrics", 503, "too many others");
    w->app.metrics_pages = 0;
    control_world_close(w);
}

/* ---- doing something ---- */

static void reload(void **state)
{
    struct world *w = control_world_open();
    control_world_expect(w, &w->admin, "POST", "/reload", 200, "read again");
    assert_int_equal(fakes.reloads, 1);
    fakes.is_folder_bad = true;
    control_world_expect(w, &w->admin, "POST", "/reload", 422, "refused: the log says");
    control_world_expect(w, &w->admin, "GET", "/reload", 405, "another method");
    assert_int_equal(fakes.reloads, 2);
    control_world_use_stream(w);
    control_world_expect(w, &w->admin, "POST", "/reload", 409, "from weft-policyd");
    assert_int_equal(fakes.reloads, 2);
    control_world_close(w);
}

static void purge(void **state)
{
    struct world *w = control_world_open();
    control_world_expect(w, &w->admin, "POST", "/cache/purge?url=http%3A%2F%2Fa%2Fb%3Fc%3Dd", 200,
                         "1 response is forgotten");
    assert_string_equal(fakes.purged_url, "http://a/b?c=d");
    assert_false(fakes.purged.is_prefix);
    control_world_expect(w, &w->admin, "POST", "/cache/purge?prefix=http://a/", 200, "forgotten");
    assert_true(fakes.purged.is_prefix);
    control_world_expect(w, &w->admin, "POST", "/cache/purge", 400, "needs ?url=");
    control_world_expect(w, &w->admin, "POST", "/cache/purge?all=true&url=a", 400, "needs ?url=");
    control_world_use_stream(w);
    control_world_expect(w, &w->admin, "POST", "/cache/purge?all=true", 200,
                         "2 responses are forgotten");
    control_world_close(w);
}

static void log_level(void **state)
{
    struct world *w = control_world_open();
    control_world_expect(w, &w->admin, "POST", "/log?x=1&level=warn", 200, "the log level is set");
    assert_int_equal(atomic_load(&log_threshold), LOG_WARN);
    control_world_expect(w, &w->admin, "POST", "/log?level=loud", 400, "?level= must be");
    control_world_expect(w, &w->admin, "POST", "/log", 400, "?level= must be");
    assert_int_equal(atomic_load(&log_threshold), LOG_WARN);
    control_world_close(w);
}

/* Nothing listens where the settings say "off"; what cannot listen is an error. */
static void listeners(void **state)
{
    struct world *w = control_world_prepare();
    w->bed.settings->metrics.family = 0;
    assert_int_equal(app_admin_open(&w->app), ERR_OK);
    assert_true(sim_net_listens_at(&w->admin));
    assert_true(sim_net_listens_at(&w->health));
    assert_false(sim_net_listens_at(&w->metrics));
    control_world_close(w);
    w = control_world_prepare();
    sim_net_refuse_listeners(ERR_ADDR_IN_USE);
    atomic_store(&log_threshold, LOG_ERROR);
    assert_int_equal(app_admin_open(&w->app), ERR_ADDR_IN_USE);
    sim_net_refuse_listeners(ERR_OK);
    control_world_close(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readiness),
        cmocka_unit_test(readiness_says_why),
        cmocka_unit_test(liveness),
        cmocka_unit_test(no_workers_yet),
        cmocka_unit_test(status_page),
        cmocka_unit_test(status_of_discovery_and_identity),
        cmocka_unit_test(clusters_page),
        cmocka_unit_test(clusters_page_of_addresses),
        cmocka_unit_test(config_page),
        cmocka_unit_test(metrics_page),
        cmocka_unit_test(metrics_are_bounded),
        cmocka_unit_test(reload),
        cmocka_unit_test(purge),
        cmocka_unit_test(log_level),
        cmocka_unit_test(listeners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
