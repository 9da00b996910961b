/* Computations of a filter's own, on threads of a pool (here: at the end of the turn): the request
 * waits for the result, is told at once when too many wait, and may end before it is there. The
 * filter takes the place of filters/direct_response.c, under its name: it hashes a header.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/filter.h"
#include "lib/io/work.h"
#include "tests/sim/sim_mesh.h"

#include <string.h>

/* ---- the filter ---- */

struct sum_spec {
    bool is_impatient;
};

static const struct schema_field fields[] = {
    SCHEMA_FIELD(struct sum_spec, is_impatient, "isImpatient", BOOL, "Does not wait."), {0}};

static const struct schema spec_schema = {
    .name = "Sum", .doc = "Adds up.", .size = sizeof(struct sum_spec), .fields = fields};

struct sum_job {
    struct filter_job job; /* first */
    char text[16];
    unsigned sum;
};

/* Of all tests. */
static unsigned ran;

static const struct fail_info fails[] = {{.label = FAIL_TEXT("too_busy"),
                                          .http_status = 503,
                                          .grpc_status = 14,
                                          .flag = FAIL_TEXT("UO"),
                                          .text = FAIL_TEXT("too many wait")}};

static enum err prepare(const struct filter_build *b, const void *spec, void *conf)
{
    (void)b;
    *(struct sum_spec *)conf = *(const struct sum_spec *)spec;
    return ERR_OK;
}

static void add_up(struct filter_job *job)
{
    struct sum_job *j = (struct sum_job *)(void *)job;
    for (const char *c = j->text; *c; c++)
        j->sum += (unsigned)(*c - '0');
    ran++;
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct sum_spec *c = conf;
    struct filter_work *own = ctx;
    if (!own->job) {
        const struct header *h = headers_find(&x->request->headers, SLICE("x-digits"));
        struct sum_job *job = filter_job_create(sizeof(*job), add_up);
        assert_true(h && h->value.len < sizeof(job->text));
        memcpy(job->text, h->value.ptr, h->value.len);
        own->job = &job->job;
        x->host->work(x, own);
        if (c->is_impatient)
            return FILTER_RESET;
    }
    if (!own->is_done)
        return FILTER_WAIT;
    if (own->is_refused) {
        (x->host->fail)(x, &fails[0], (struct slice){0});
        return FILTER_REPLY;
    }
    headers_add(&x->request->headers, SLICE("x-sum"),
                arena_printf(x->arena, "%u", ((struct sum_job *)(void *)own->job)->sum));
    return FILTER_NEXT;
}

const struct filter filter_direct_response = {
    .name = "directResponse",
    .doc = "Adds up.",
    .phase = FILTER_PHASE_AUTHENTICATE,
    .spec = &spec_schema,
    .conf_size = sizeof(struct sum_spec),
    .ctx_size = sizeof(struct filter_work),
    .prepare = prepare,
    .on_request = on_request,
    .fails = fails,
    .fail_count = 1,
};

/* ---- the road ---- */

#define ASK(digits) \
    "GET /x HTTP/1.1\r\nhost: app\r\nx-request-id: 1\r\nx-digits: " digits "\r\n\r\n"

static void open_road(struct sim_road *r, const char *spec)
{
    ran = 0;
    sim_road_prepare(r);
    sim_route *route = sim_conf_route(&r->conf, r->destination, "/", "app");
    sim_conf_name(&r->conf, &route->n_filters, &route->filters,
                  sim_conf_filter(&r->conf, "sum", "directResponse", spec));
    sim_road_start(r);
}

static void a_result(void **state)
{
    struct sim_road r;
    (void)state;
    open_road(&r, "{}");
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ASK("1234"));
    struct sim_peer *app = sim_road_app(&r);
    assert_non_null(strstr(sim_peer_got(app), "x-sum: 10\r\n"));
    sim_peer_send(app, ROAD_OK);
    sim_peer_expect(client, ROAD_OK);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* Two may wait. */
static void too_many_at_once(void **state)
{
    struct sim_road r;
    struct sim_peer *clients[3];
    (void)state;
    open_road(&r, "{}");
    for (unsigned i = 0; i < 3; i++)
        clients[i] = sim_road_client(&r);
    sim_turn(&r.sim);
    for (unsigned i = 0; i < 3; i++)
        sim_peer_send(clients[i], ASK("5"));
    sim_turn(&r.sim);
    assert_int_equal(ran, 2);
    sim_peer_expect_part(clients[2], "HTTP/1.1 503 ", "x-weft-reason: too_busy\r\n");
    for (unsigned i = 0; i < 2; i++) {
        sim_peer_send(sim_road_app(&r), ROAD_OK);
        sim_turn(&r.sim);
    }
    for (unsigned i = 0; i < 2; i++) {
        sim_peer_expect(clients[i], ROAD_OK);
        sim_peer_destroy(clients[i]);
    }
    sim_road_done(&r, clients[2]);
    sim_road_close(&r);
}

/* The result is nobody's then; the sanitizers watch what becomes of it. */
static void the_request_ends_first(void **state)
{
    struct sim_road r;
    (void)state;
    open_road(&r, "{\"isImpatient\":true}");
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ASK("7"));
    sim_turn(&r.sim);
    assert_true(sim_peer_is_over(client));
    assert_int_equal(ran, 1);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

/* As when the process ends. */
static void a_pool_that_was_stopped(void **state)
{
    struct sim_road r;
    (void)state;
    open_road(&r, "{}");
    work_pool_stop(r.node.app.work);
    struct sim_peer *client = sim_road_client(&r);
    sim_peer_send(client, ASK("7"));
    sim_peer_expect_part(client, "HTTP/1.1 503 ", "x-weft-reason: too_busy\r\n");
    assert_int_equal(ran, 0);
    sim_road_done(&r, client);
    sim_road_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result),
        cmocka_unit_test(too_many_at_once),
        cmocka_unit_test(the_request_ends_first),
        cmocka_unit_test(a_pool_that_was_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
