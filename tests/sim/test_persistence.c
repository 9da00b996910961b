/* Clients that stay with the endpoint that they met first: by cookie and by header, across the
 * shares of a rule, until it is gone; and what they keep, which they cannot read or make.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/fake_clock.h"
#include "tests/sim/sim_service.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/mem.h"

enum { IDLE_S = 60, ABSOLUTE_S = 600, COOKIE_MAX = 256 };

typedef Weft__Config__V1__SessionPersistence sim_sessions;

/* Endpoints 1 and 2 are of "app", 3 and 4 of "next". */
struct bed {
    struct sim_service s;
    sim_cluster *next;
    sim_route *route;
    sim_sessions *sessions;
    char kept[COOKIE_MAX]; /* "name=value", or the header's value; empty: nothing */
    bool has_news;         /* the last answer said what to keep */
    char said[512];        /* the whole Set-Cookie */
};

static sim_sessions *make_sessions(struct sim_conf *c, char *name)
{
    static uint8_t key[32] = {1, 2, 3};
    sim_sessions *s = arena_alloc(&c->arena, sizeof(*s));
    weft__config__v1__session_persistence__init(s);
    s->key.data = key;
    s->key.len = sizeof(key);
    s->name = name;
    return s;
}

static char sid[] = "sid", empty[] = "";

static void prepare(struct bed *b)
{
    *b = (struct bed){0};
    sim_service_prepare(&b->s, 2);
    b->next = sim_conf_cluster(&b->s.r.conf, "next");
    b->next->protocol = SIM_HTTP1;
    sim_conf_endpoint(&b->s.r.conf, b->next, "10.0.0.3:8080");
    sim_conf_endpoint(&b->s.r.conf, b->next, "10.0.0.4:8080");
    b->route = sim_conf_route(&b->s.r.conf, b->s.r.destination, "/", "app");
    sim_conf_backend(&b->s.r.conf, b->route, "next", 1);
    b->sessions = b->route->session_persistence = make_sessions(&b->s.r.conf, sid);
    fake_clock_follow(b->s.r.sim.loop);
}

static void start(struct bed *b)
{
    sim_service_start(&b->s, HTTP_PROTOCOL_1);
}

static void finish(struct bed *b)
{
    fake_clock_follow(NULL);
    sim_service_finish(&b->s);
}

static void begin(struct bed *b)
{
    prepare(b);
    start(b);
}

static void take_news(struct bed *b, struct sim_call *call)
{
    const char *set = sim_call_header(call, b->sessions->header ? "sid" : "set-cookie");
    b->has_news = *set != 0;
    if (!b->has_news)
        return;
    snprintf(b->said, sizeof(b->said), "%s", set);
    snprintf(b->kept, sizeof(b->kept), "%.*s", (int)strcspn(set, ";"), set);
}

/* Which app answers, from 0. */
static unsigned ask_path(struct bed *b, const char *path)
{
    unsigned before[SIM_SERVICE_APPS], who = SIM_SERVICE_APPS;
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        before[i] = b->s.apps[i].requests;
    struct sim_call *call = sim_client_make(&b->s.client);
    struct message *m = sim_call_request(call, "GET", "app", path);
    if (*b->kept)
        sim_call_add(m, call, b->sessions->header ? "sid" : "cookie", b->kept);
    sim_client_send(&b->s.client, call, m, true);
    sim_turn(&b->s.r.sim);
    sim_advance(&b->s.r.sim, 1000); /* pauses before retries */
    assert_true(call->done);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        who = b->s.apps[i].requests > before[i] && b->s.apps[i].status == 200 ? i : who;
    take_news(b, call);
    return who;
}

static unsigned ask(struct bed *b)
{
    return ask_path(b, "/");
}

/* As a new client: until it meets one whose number is at least `least`. */
static unsigned meet(struct bed *b, unsigned least)
{
    for (unsigned i = 0; i < 200; i++) {
        b->kept[0] = 0;
        unsigned who = ask(b);
        if (who >= least)
            return who;
    }
    fail_msg("nobody of the share answers");
    return 0;
}

static void stays(struct bed *b, unsigned who)
{
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ask(b), who);
}

/* The configuration again; without: the endpoint that is not in it (-1: all are). */
static void adopt(struct bed *b, int without, uint32_t app_weight, uint32_t next_weight)
{
    struct sim_conf c;
    sim_conf_init(&c);
    for (int service = 0; service < 2; service++) {
        sim_cluster *to = sim_conf_cluster(&c, service ? "next" : "app");
        to->protocol = SIM_HTTP1;
        for (int i = 2 * service; i < 2 * service + 2; i++) {
            char at[32];
            snprintf(at, sizeof(at), "10.0.0.%d:8080", i + 1);
            if (i != without)
                sim_conf_endpoint(&c, to, arena_strdup(&c.arena, slice_from_cstr(at)));
        }
    }
    sim_destination *d = sim_conf_destination(&c, ROAD_VIP, "app", SIM_HTTP, "app");
    sim_route *r = sim_conf_route(&c, d, "/", "app");
    r->clusters[0]->weight = app_weight;
    sim_conf_backend(&c, r, "next", next_weight);
    r->session_persistence = b->sessions;
    sim_node_adopt(&b->s.r.node, &c);
    sim_conf_dispose(&c);
}

/* requirement: C15 */
static void a_client_stays_with_its_version_and_endpoint(void **state)
{
    (void)state;
    struct bed b;
    bool met[SIM_SERVICE_APPS] = {false};
    begin(&b);
    for (unsigned client = 0; client < 40; client++) {
        b.kept[0] = 0;
        unsigned who = ask(&b);
        assert_true(b.has_news && who < SIM_SERVICE_APPS);
        met[who] = true;
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(ask(&b), who);
            assert_false(b.has_news); /* nothing has changed */
        }
    }
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        assert_true(met[i]);
    finish(&b);
}

static void what_the_cookie_says(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    ask(&b);
    assert_int_equal(strncmp(b.said, "sid=", 4), 0);
    const char *attributes = strchr(b.said, ';');
    assert_string_equal(attributes, "; Path=/; HttpOnly; SameSite=Lax");
    assert_null(strstr(b.said, "10.0.0"));
    finish(&b);
}

static void a_permanent_cookie_has_its_age(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.sessions->permanent = true;
    b.sessions->absolute_s = ABSOLUTE_S;
    start(&b);
    ask(&b);
    assert_string_equal(strchr(b.said, ';'), "; Path=/; Max-Age=600; HttpOnly; SameSite=Lax");
    finish(&b);
}

static void by_header(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.sessions->header = true;
    start(&b);
    unsigned who = meet(&b, 2);
    stays(&b, who);
    assert_false(b.has_news);
    finish(&b);
}

static void a_share_without_weight_keeps_whom_it_has(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    unsigned who = meet(&b, 2);
    adopt(&b, -1, 1, 0);
    stays(&b, who);
    adopt(&b, (int)who, 1, 0); /* and nobody else */
    assert_true(ask(&b) < 2);
    assert_true(b.has_news);
    finish(&b);
}

static void who_loses_its_endpoint_stays_with_its_version(void **state)
{
    (void)state;
    struct bed b;
    begin(&b);
    unsigned who = meet(&b, 2), other = who == 2 ? 3 : 2;
    adopt(&b, (int)who, 100, 1);
    assert_int_equal(ask(&b), other);
    assert_true(b.has_news);
    adopt(&b, -1, 100, 1); /* back again, it is somebody else's */
    stays(&b, other);
    finish(&b);
}

static void who_is_ejected_is_left(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.next->outlier->consecutive_failures = 2;
    start(&b);
    unsigned who = meet(&b, 2), other = who == 2 ? 3 : 2;
    b.s.apps[who].status = 503;
    ask(&b);
    ask(&b);
    assert_int_equal(ask(&b), other);
    assert_true(b.has_news);
    b.s.apps[who].status = 200;
    sim_advance(&b.s.r.sim, 60000);
    stays(&b, other);
    finish(&b);
}

static void a_retry_elsewhere_is_a_detour(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.route->retry = sim_conf_retry(&b.s.r.conf);
    b.route->retry->attempts = 1;
    b.route->retry->on_gateway_error = true;
    b.route->retry->budget_percent = 100;
    b.route->retry->budget_min_per_second = 100;
    start(&b);
    unsigned who = meet(&b, 2), other = who == 2 ? 3 : 2;
    b.s.apps[who].status = 503;
    assert_int_equal(ask(&b), other);
    assert_false(b.has_news);
    b.s.apps[who].status = 200;
    stays(&b, who);
    finish(&b);
}

static void a_session_ends_when_it_is_unused(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.sessions->idle_s = IDLE_S;
    start(&b);
    unsigned who = meet(&b, 2);
    for (unsigned i = 0; i < 5; i++) {
        sim_advance(&b.s.r.sim, (IDLE_S - 2) * 1000);
        assert_int_equal(ask(&b), who);
        assert_true(b.has_news); /* that it was used */
    }
    char last[COOKIE_MAX];
    snprintf(last, sizeof(last), "%s", b.kept);
    sim_advance(&b.s.r.sim, (IDLE_S + 2) * 1000);
    unsigned elsewhere = 0;
    for (unsigned i = 0; i < 20; i++) {
        snprintf(b.kept, sizeof(b.kept), "%s", last);
        elsewhere += ask(&b) != who;
    }
    assert_true(elsewhere > 0);
    finish(&b);
}

static void a_session_ends_however_much_it_is_used(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.sessions->absolute_s = ABSOLUTE_S;
    b.sessions->idle_s = IDLE_S;
    start(&b);
    unsigned who = meet(&b, 0), same = 0;
    while (same < ABSOLUTE_S / 30 && ask(&b) == who) {
        sim_advance(&b.s.r.sim, 29000);
        same++;
    }
    assert_int_equal(same, ABSOLUTE_S / 30);
    unsigned elsewhere = 0;
    for (unsigned i = 0; i < 20; i++) {
        char last[COOKIE_MAX];
        snprintf(last, sizeof(last), "%s", b.kept);
        sim_advance(&b.s.r.sim, i ? 0 : 5000);
        elsewhere += ask(&b) != who;
        snprintf(b.kept, sizeof(b.kept), "%s", last);
    }
    assert_true(elsewhere > 0);
    finish(&b);
}

/* Whatever it shows that we have not sealed for this rule is nothing: it meets all. */
static void is_new(struct bed *b, const char *shown)
{
    bool met[SIM_SERVICE_APPS] = {false};
    for (unsigned i = 0; i < 60; i++) {
        snprintf(b->kept, sizeof(b->kept), "%s", shown);
        unsigned who = ask(b);
        assert_true(who < SIM_SERVICE_APPS);
        met[who] = true;
        assert_true(b->has_news);
    }
    assert_true(met[0] && met[1] && met[2] && met[3]);
}

static void nobody_can_make_one(void **state)
{
    (void)state;
    struct bed b;
    char good[COOKIE_MAX], bad[COOKIE_MAX];
    begin(&b);
    ask(&b);
    snprintf(good, sizeof(good), "%s", b.kept);
    snprintf(bad, sizeof(bad), "%s", good);
    bad[30] = bad[30] == 'A' ? 'B' : 'A';
    is_new(&b, bad);
    snprintf(bad, sizeof(bad), "%s", good);
    bad[strlen(bad) - 4] = 0;
    is_new(&b, bad);
    is_new(&b, "sid=10.0.0.1:8080");
    is_new(&b, "sid=");
    is_new(&b, "sid");
    finish(&b);
}

/* Behind others, and behind one of the same name that is none. */
static void among_other_cookies(void **state)
{
    (void)state;
    struct bed b;
    char mine[COOKIE_MAX];
    begin(&b);
    unsigned who = meet(&b, 2);
    snprintf(mine, sizeof(mine), "a=b; sid=old; %.200s; c=d", b.kept);
    for (unsigned i = 0; i < 20; i++) {
        snprintf(b.kept, sizeof(b.kept), "%s", mine);
        assert_int_equal(ask(&b), who);
        assert_false(b.has_news);
    }
    finish(&b);
}

/* What was sealed for one rule is nothing for another (GEP-1619, "must not share sessions"). */
static void rules_do_not_share_sessions(void **state)
{
    (void)state;
    struct bed b;
    static char other_name[] = "shop/other/0";
    prepare(&b);
    sim_route *other = sim_conf_route(&b.s.r.conf, b.s.r.destination, "/", "app");
    sim_conf_backend(&b.s.r.conf, other, "next", 1);
    other->session_persistence = b.sessions;
    other->name = other_name;
    b.route->match->path->path_prefix = arena_strdup(&b.s.r.conf.arena, SLICE("/one"));
    start(&b);
    ask_path(&b, "/one");
    char one[COOKIE_MAX];
    snprintf(one, sizeof(one), "%s", b.kept);
    is_new(&b, one);
    finish(&b);
}

/* Without a name of its own each rule has another cookie; and a Service has its own where no rule
 * says anything. */
static void a_service_without_routes(void **state)
{
    (void)state;
    struct bed b;
    prepare(&b);
    b.route->session_persistence = NULL;
    b.s.r.destination->n_virtual_hosts = 0;
    sim_conf_endpoint(&b.s.r.conf, b.s.r.cluster, "10.0.0.3:8080");
    b.s.r.cluster->session_persistence = make_sessions(&b.s.r.conf, empty);
    start(&b);
    unsigned who = meet(&b, 1);
    assert_int_equal(strncmp(b.said, "weft-session-", 13), 0);
    stays(&b, who);
    finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_stays_with_its_version_and_endpoint),
        cmocka_unit_test(what_the_cookie_says),
        cmocka_unit_test(a_permanent_cookie_has_its_age),
        cmocka_unit_test(by_header),
        cmocka_unit_test(a_share_without_weight_keeps_whom_it_has),
        cmocka_unit_test(who_loses_its_endpoint_stays_with_its_version),
        cmocka_unit_test(who_is_ejected_is_left),
        cmocka_unit_test(a_retry_elsewhere_is_a_detour),
        cmocka_unit_test(a_session_ends_when_it_is_unused),
        cmocka_unit_test(a_session_ends_however_much_it_is_used),
        cmocka_unit_test(nobody_can_make_one),
        cmocka_unit_test(among_other_cookies),
        cmocka_unit_test(rules_do_not_share_sessions),
        cmocka_unit_test(a_service_without_routes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
