/* Requests that go where something of them says: a header, a cookie, a parameter, the path.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_service.h"

#include <stdio.h>
#include <string.h>

#define SOURCE(name) WEFT__CONFIG__V1__HASH_SOURCE__HASH_##name

enum { NOBODY = SIM_SERVICE_APPS, USERS = 24 };

static void hash_on(struct sim_service *s, Weft__Config__V1__HashSource source, const char *name)
{
    struct arena *a = &s->r.conf.arena;
    sim_cluster *c = s->r.cluster;
    Weft__Config__V1__HashOn *h = arena_alloc(a, sizeof(*h));
    weft__config__v1__hash_on__init(h);
    h->source = source;
    h->name = arena_strdup(a, slice_from_cstr(name));
    h->cookie_path = arena_strdup(a, SLICE("/app"));
    h->cookie_s = 60;
    if (!c->n_hash_on)
        c->hash_on = arena_alloc(a, 4 * sizeof(*c->hash_on));
    c->hash_on[c->n_hash_on++] = h;
}

static void prepare(struct sim_service *s, const char *balancer)
{
    sim_service_prepare(s, 4);
    sim_conf_balance(s->r.cluster, balancer);
}

/* Who gets it; header may be NULL. */
static unsigned ask(struct sim_service *s, const char *path, const char *header, const char *value,
                    struct sim_call **out)
{
    unsigned before[SIM_SERVICE_APPS], who = NOBODY;
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        before[i] = s->apps[i].requests;
    struct sim_call *call = sim_client_make(&s->client);
    struct message *m = sim_call_request(call, "GET", "app", path);
    if (header)
        sim_call_add(m, call, header, value);
    sim_client_send(&s->client, call, m, true);
    sim_turn(&s->r.sim);
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        who = s->apps[i].requests > before[i] ? i : who;
    if (out)
        *out = call;
    return who;
}

/* Each of many stays where it is, and they do not all meet the same. format: of path or value. */
static void is_by(struct sim_service *s, bool in_path, const char *header, const char *format)
{
    unsigned shares[SIM_SERVICE_APPS] = {0};
    for (unsigned user = 0; user < USERS; user++) {
        char text[64];
        const char *number = strchr(format, '#');
        snprintf(text, sizeof(text), "%.*s%u%s", (int)(number - format), format, user, number + 1);
        const char *path = in_path ? text : "/";
        unsigned first = ask(s, path, header, text, NULL);
        assert_true(first < NOBODY);
        shares[first]++;
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(ask(s, path, header, text, NULL), first);
    }
    for (unsigned i = 0; i < SIM_SERVICE_APPS; i++)
        assert_in_range(shares[i], 1, USERS - 3);
}

static void by_each(void **state)
{
    static const struct {
        Weft__Config__V1__HashSource source;
        const char *name, *header, *format;
        bool in_path;
    } cases[] = {
        {SOURCE(HEADER), "x-user", "x-user", "user-#", false},
        {SOURCE(COOKIE), "sid", "cookie", "a=b; sid=v#; c=d", false},
        {SOURCE(QUERY), "user", NULL, "/?a=1&user=#&b", true},
        {SOURCE(PATH), "", NULL, "/items/#", true},
    };
    static const char *const balancers[] = {"RingHash", "Maglev"};
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct sim_service s;
        size_t at = i / 2;
        prepare(&s, balancers[i % 2]);
        hash_on(&s, cases[at].source, cases[at].name);
        sim_service_start(&s, HTTP_PROTOCOL_1);
        is_by(&s, cases[at].in_path, cases[at].header, cases[at].format);
        sim_service_finish(&s);
    }
}

/* The query is no part of the path, and other parameters and headers say nothing. */
static void and_by_nothing_else(void **state)
{
    struct sim_service s;
    prepare(&s, "RingHash");
    hash_on(&s, SOURCE(PATH), "");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    unsigned who = ask(&s, "/items/7", NULL, NULL, NULL);
    for (unsigned i = 0; i < 20; i++) {
        char path[32], value[16];
        snprintf(path, sizeof(path), "/items/7?n=%u", i);
        snprintf(value, sizeof(value), "%u", i);
        assert_int_equal(ask(&s, path, "x-user", value, NULL), who);
    }
    sim_service_finish(&s);
}

/* Nothing is said: the client's address, which is one here. */
static void by_the_client(void **state)
{
    struct sim_service s;
    prepare(&s, "Maglev");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    unsigned who = ask(&s, "/a", NULL, NULL, NULL);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(ask(&s, "/b", "x-user", "b", NULL), who);
    sim_service_finish(&s);
}

/* As Kong's hash_fallback. */
static void the_first_that_a_request_has(void **state)
{
    struct sim_service s;
    prepare(&s, "RingHash");
    hash_on(&s, SOURCE(HEADER), "x-user");
    hash_on(&s, SOURCE(QUERY), "user");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    is_by(&s, false, "x-user", "user-#");
    is_by(&s, true, NULL, "/?user=#");
    unsigned who = ask(&s, "/?user=1", "x-user", "alice", NULL);
    for (unsigned i = 0; i < 10; i++) {
        char path[32];
        snprintf(path, sizeof(path), "/?user=%u", i);
        assert_int_equal(ask(&s, path, "x-user", "alice", NULL), who);
    }
    sim_service_finish(&s);
}

static void without_any_it_goes_anywhere(void **state)
{
    struct sim_service s;
    bool met[SIM_SERVICE_APPS] = {false};
    prepare(&s, "RingHash");
    hash_on(&s, SOURCE(HEADER), "x-user");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned i = 0; i < 60; i++)
        met[ask(&s, "/", NULL, NULL, NULL)] = true;
    assert_true(met[0] && met[1] && met[2] && met[3]);
    sim_service_finish(&s);
}

/* Whoever has no such cookie is given one, and stays by it. */
static void a_cookie_is_given(void **state)
{
    struct sim_service s;
    bool met[SIM_SERVICE_APPS] = {false};
    prepare(&s, "Maglev");
    hash_on(&s, SOURCE(COOKIE), "sid");
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned client = 0; client < 40; client++) {
        struct sim_call *call;
        char cookie[128];
        unsigned who = ask(&s, "/", NULL, NULL, &call);
        const char *set = sim_call_header(call, "set-cookie");
        assert_int_equal(strncmp(set, "sid=", 4), 0);
        assert_string_equal(strchr(set, ';'), "; Path=/app; Max-Age=60; HttpOnly; SameSite=Lax");
        snprintf(cookie, sizeof(cookie), "%.*s", (int)strcspn(set, ";"), set);
        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(ask(&s, "/", "cookie", cookie, &call), who);
            assert_string_equal(sim_call_header(call, "set-cookie"), "");
        }
        met[who] = true;
    }
    assert_true(met[0] && met[1] && met[2] && met[3]);
    sim_service_finish(&s);
}

/* Its share goes to the others; theirs stay, and so does everybody when it is back. */
static void who_is_ejected_comes_back(void **state)
{
    struct sim_service s;
    unsigned first[USERS];
    char value[16];
    prepare(&s, "RingHash");
    hash_on(&s, SOURCE(HEADER), "x-user");
    s.r.cluster->outlier->consecutive_failures = 1;
    sim_service_start(&s, HTTP_PROTOCOL_1);
    for (unsigned user = 0; user < USERS; user++) {
        snprintf(value, sizeof(value), "user-%u", user);
        first[user] = ask(&s, "/", "x-user", value, NULL);
    }
    unsigned bad = first[0];
    s.apps[bad].status = 500;
    ask(&s, "/", "x-user", "user-0", NULL);
    s.apps[bad].status = 200;
    for (unsigned user = 0; user < USERS; user++) {
        snprintf(value, sizeof(value), "user-%u", user);
        unsigned who = ask(&s, "/", "x-user", value, NULL);
        assert_true(first[user] == bad ? who != bad : who == first[user]);
    }
    sim_advance(&s.r.sim, 60000);
    for (unsigned user = 0; user < USERS; user++) {
        snprintf(value, sizeof(value), "user-%u", user);
        assert_int_equal(ask(&s, "/", "x-user", value, NULL), first[user]);
    }
    sim_service_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_each),
        cmocka_unit_test(and_by_nothing_else),
        cmocka_unit_test(by_the_client),
        cmocka_unit_test(the_first_that_a_request_has),
        cmocka_unit_test(without_any_it_goes_anywhere),
        cmocka_unit_test(a_cookie_is_given),
        cmocka_unit_test(who_is_ejected_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
