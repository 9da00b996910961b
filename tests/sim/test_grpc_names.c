/* How a gRPC client finds its server by name: the addresses of the name in turn, names that are not
 * known, a resolver that says nothing, and the address to fall back to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/loop_sim.h"
#include "lib/io/resolve.h"
#include "lib/net/grpc_client.h"
#include "tests/sim/sim_net.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { HOSTS = 4 }; /* 10.0.0.1 … 10.0.0.4 */

/* ---- in the place of lib/io/resolve.c */

struct resolve {
    struct loop_task task;
    resolve_fn done;
    void *owner;
    uint16_t port;
};

static struct {
    unsigned asked, canceled;
    enum err e;
    size_t count; /* of the addresses that it answers */
    bool is_silent;
    char host[64];
} resolver;

static void answer(struct loop_task *task)
{
    struct resolve *r = container_of(task, struct resolve, task);
    struct addr addrs[HOSTS] = {{0}};
    for (size_t i = 0; i < resolver.count; i++)
        addrs[i] = (struct addr){
            .family = 4, .ip = {10, 0, 0, (uint8_t)(i + 1)}, .port = r->port};
    r->done(r->owner, resolver.e, addrs, resolver.count, 0);
    mem_free(r);
}

struct resolve *resolve_start(struct loop *l, struct slice host, uint16_t port, resolve_fn done,
                              void *owner)
{
    struct resolve *r = mem_zalloc(sizeof(*r));
    r->done = done;
    r->owner = owner;
    r->port = port;
    resolver.asked++;
    snprintf(resolver.host, sizeof(resolver.host), "%.*s", SLICE_ARG(host));
    loop_task_init(&r->task, answer);
    if (!resolver.is_silent)
        loop_run_soon(l, &r->task);
    return r;
}

void resolve_cancel(struct resolve *r)
{
    resolver.canceled++;
    loop_task_cancel(&r->task);
    mem_free(r);
}

/* ---- the client, and where it may get to */

static struct {
    struct loop *loop;
    struct sim_host hosts[HOSTS];
    struct stream *accepted[16];
    size_t accepts;
    struct grpc_client *client;
    unsigned done;
    enum grpc_status status;
    char text[200];
} bed;

static void on_data(struct stream *s, struct chunk *owner, const uint8_t *data, size_t len)
{
    (void)s, (void)owner, (void)data, (void)len;
}

static void on_eof(struct stream *s)
{
    (void)s;
}

static void on_fail(struct stream *s, enum err why)
{
    (void)s, (void)why;
}

static void on_accept(struct sim_host *h, struct stream *accepted, const struct addr *to)
{
    static const struct stream_events silent = {
        .on_data = on_data, .on_eof = on_eof, .on_fail = on_fail};
    (void)to;
    assert_true(bed.accepts < sizeof(bed.accepted) / sizeof(bed.accepted[0]));
    stream_use(accepted, &silent, h);
    bed.accepted[bed.accepts++] = accepted;
}

static void on_done(void *owner, const struct grpc_result *r)
{
    (void)owner;
    bed.done++;
    bed.status = r->status;
    snprintf(bed.text, sizeof(bed.text), "%.*s", SLICE_ARG(r->text));
}

static void call(uint32_t timeout_ms)
{
    grpc_client_call(bed.client, "/test.Test/Echo", NULL, 0, SLICE("x"), timeout_ms, on_done,
                     NULL);
    assert_true(loop_sim_turn(bed.loop));
}

/* fallback: its host, from 1; 0: none. */
static void open_bed(unsigned fallback)
{
    memset(&bed, 0, sizeof(bed));
    memset(&resolver, 0, sizeof(resolver));
    bed.loop = loop_sim_create(1000);
    sim_net_open(bed.loop);
    for (uint8_t i = 0; i < HOSTS; i++) {
        bed.hosts[i] = (struct sim_host){.at = {.family = 4, .ip = {10, 0, 0, (uint8_t)(i + 1)}},
                                         .on_accept = on_accept};
        sim_net_add(&bed.hosts[i]);
    }
    struct grpc_client_config config = {.host = SLICE("policyd.test"), .port = 15010};
    if (fallback)
        config.fallback = bed.hosts[fallback - 1].at;
    config.fallback.port = 15010;
    bed.client = grpc_client_create(bed.loop, &config);
}

static void close_bed(void)
{
    grpc_client_destroy(bed.client);
    assert_true(loop_sim_turn(bed.loop));
    for (size_t i = 0; i < bed.accepts; i++)
        stream_close(bed.accepted[i]);
    assert_true(loop_sim_turn(bed.loop));
    assert_int_equal(sim_net_streams(), 0);
    sim_net_close();
    loop_destroy(bed.loop);
}

static void expect_dials(unsigned one, unsigned two, unsigned three, unsigned four)
{
    const unsigned want[HOSTS] = {one, two, three, four};
    for (size_t i = 0; i < HOSTS; i++)
        assert_int_equal(bed.hosts[i].dials, want[i]);
}

static void expect_failed(const char *part)
{
    assert_int_equal(bed.done, 1);
    assert_int_equal(bed.status, GRPC_UNAVAILABLE);
    if (!strstr(bed.text, part))
        fail_msg("\"%s\" is not in \"%s\"", part, bed.text);
}

/* The first that takes the connection is the one; the others are not bothered. */
static void test_addresses_in_turn(void **state)
{
    for (size_t good = 0; good < 3; good++) {
        open_bed(0);
        resolver.count = 3;
        for (size_t i = 0; i < good; i++)
            bed.hosts[i].answer = SIM_REFUSE;
        call(60000);
        assert_string_equal(resolver.host, "policyd.test");
        assert_int_equal(bed.done, 0);
        expect_dials(1, good >= 1, good >= 2, 0);
        assert_int_equal(bed.accepts, 1);
        close_bed();
    }
}

/* Nobody answers: that is said once, after the last one; the next call asks the resolver anew. */
static void test_no_address_answers(void **state)
{
    open_bed(0);
    resolver.count = 3;
    for (size_t i = 0; i < HOSTS; i++)
        bed.hosts[i].answer = SIM_REFUSE;
    call(60000);
    expect_dials(1, 1, 1, 0);
    expect_failed("refused");
    bed.done = 0;
    bed.hosts[0].answer = SIM_ACCEPT;
    call(60000);
    assert_int_equal(resolver.asked, 2);
    expect_dials(2, 1, 1, 0);
    assert_int_equal(bed.done, 0);
    close_bed();
}

static void test_names_that_are_not_known(void **state)
{
    open_bed(0);
    resolver.e = ERR_DNS;
    call(60000);
    expect_failed("policyd.test");
    assert_non_null(strstr(bed.text, err_text(ERR_DNS)));
    expect_dials(0, 0, 0, 0);
    close_bed();
    open_bed(0);
    call(60000); /* without an address */
    expect_failed("policyd.test");
    assert_non_null(strstr(bed.text, err_text(ERR_NOT_FOUND)));
    close_bed();
}

/* It is for names that are not known, not for servers that are not there. */
static void test_the_fallback(void **state)
{
    open_bed(4);
    resolver.e = ERR_DNS;
    call(60000);
    expect_dials(0, 0, 0, 1);
    assert_int_equal(bed.done, 0);
    close_bed();
    open_bed(4);
    resolver.count = 1;
    bed.hosts[0].answer = SIM_REFUSE;
    call(60000);
    expect_dials(1, 0, 0, 0);
    expect_failed("refused");
    close_bed();
}

/* With a fallback it is given two seconds; without, as long as the call has. */
static void test_a_silent_resolver(void **state)
{
    open_bed(4);
    resolver.is_silent = true;
    call(60000);
    loop_sim_advance(bed.loop, 1990);
    expect_dials(0, 0, 0, 0);
    assert_int_equal(resolver.canceled, 0);
    loop_sim_advance(bed.loop, 20);
    expect_dials(0, 0, 0, 1);
    assert_int_equal(resolver.canceled, 1);
    assert_int_equal(bed.done, 0);
    close_bed();
    open_bed(0);
    resolver.is_silent = true;
    call(30000);
    loop_sim_advance(bed.loop, 29900);
    assert_int_equal(bed.done, 0);
    assert_int_equal(resolver.asked, 1);
    loop_sim_advance(bed.loop, 200);
    assert_int_equal(bed.done, 1);
    assert_int_equal(bed.status, GRPC_DEADLINE_EXCEEDED);
    close_bed();
    assert_int_equal(resolver.canceled, 1);
}

/* One that answers in time is the end of that time. */
static void test_an_answer_in_time(void **state)
{
    open_bed(4);
    resolver.count = 1;
    bed.hosts[0].connect_ms = 3000;
    call(60000);
    loop_sim_advance(bed.loop, 4000);
    expect_dials(1, 0, 0, 0);
    assert_int_equal(bed.accepts, 1);
    close_bed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses_in_turn),
        cmocka_unit_test(test_no_address_answers),
        cmocka_unit_test(test_names_that_are_not_known),
        cmocka_unit_test(test_the_fallback),
        cmocka_unit_test(test_a_silent_resolver),
        cmocka_unit_test(test_an_answer_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
