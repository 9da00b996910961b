/* Filters of a consumer's own: they take the place of others of their type once it is known who
 * calls, and are added where there is none. Everything else goes on as it was.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/chain.h"

#include <stdio.h>

#include "filters/prepare.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static char story[512];

static void tell(char what, const char *who)
{
    size_t len = strlen(story);
    snprintf(story + len, sizeof story - len, "%s%c%s", len ? " " : "", what, who);
}

/* conf: a name; "?…" waits the first time. ctx: how often it was called. */
static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const char *name = conf;
    int *calls = ctx;
    tell('>', name);
    return name[0] == '?' && ++*calls == 1 ? FILTER_WAIT : FILTER_NEXT;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    tell('<', conf);
    return FILTER_NEXT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    tell('.', conf);
}

static const struct consumer *caller;

static enum filter_verdict authenticate(struct filter_exchange *x, const void *conf, void *ctx)
{
    tell('>', conf);
    if (caller)
        filter_caller_set(x, "test")->consumer = caller;
    return FILTER_NEXT;
}

#define HOOKS                                                                             \
    .ctx_size = 8, .on_request = on_request, .on_response = on_response, .on_end = on_end
static const struct filter knows = {.name = "knows", .phase = FILTER_PHASE_AUTHENTICATE,
                                    .on_request = authenticate, .on_end = on_end};
static const struct filter broken = {.name = "broken", .phase = FILTER_PHASE_CORS, HOOKS};
static const struct filter may = {.name = "may", .phase = FILTER_PHASE_AUTHORIZE, HOOKS};
static const struct filter limit = {.name = "limit", .phase = FILTER_PHASE_LIMIT, HOOKS};
static const struct filter tag = {.name = "tag", .phase = FILTER_PHASE_TRANSFORM, HOOKS};

struct world {
    struct arena arena;
    struct filter_road road;
    struct filter_exchange x;
    struct filter_host host;
    struct message request, response;
};

static struct message *fail_with(struct filter_exchange *x, const struct fail_info *why,
                                 struct slice detail)
{
    tell('!', "fail");
    return &container_of(x, struct world, x)->response;
}

static int setup(void **state)
{
    static struct world w;
    w = (struct world){.host.fail = fail_with};
    arena_init(&w.arena, 4096);
    message_init(&w.request, &w.arena);
    w.x.host = &w.host;
    w.x.arena = &w.arena;
    w.x.request = &w.request;
    story[0] = '\0';
    caller = NULL;
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    arena_dispose(&w->arena);
    return 0;
}

static const struct filter_chain *make(struct world *w, const struct filter_entry *entries,
                                       size_t count)
{
    const struct filter_chain *chain;
    assert_int_equal(filter_chain_make(&w->arena, entries, count, &chain), ERR_OK);
    return chain;
}

static void end(struct world *w, const char *want)
{
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    filter_road_end(&w->road, &w->x);
    assert_string_equal(story, want);
}

#define ENTRY(filter_, name) {.filter = &filter_, .conf = name}

#define ENTRY_OF(filter_, name, owner) \
    {.filter = &filter_, .conf = name, .id = SLICE(owner "/x/y")}

static void test_of_another_namespace_both_run(void **state)
{
    struct world *w = *state;
    const struct filter_entry route[] = {ENTRY(knows, "k"), ENTRY_OF(may, "a", "shop"),
                                         ENTRY_OF(limit, "l", "tenant")};
    const struct filter_entry own[] = {ENTRY_OF(may, "A", "tenant"),
                                       ENTRY_OF(limit, "L", "tenant")};
    const struct consumer ann = {.id = SLICE("tenant/ann"), .chain = make(w, own, 2)};
    caller = &ann;
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, route, 3)), FILTER_NEXT);
    end(w, ">k >a >A >L <L <A <a .L .A .a .k");
}

static void test_in_the_place_of_others_and_besides(void **state)
{
    struct world *w = *state;
    const struct filter_entry route[] = {ENTRY(knows, "k"), ENTRY(may, "a"), ENTRY(limit, "l")};
    const struct filter_entry own[] = {ENTRY(limit, "L"), ENTRY(tag, "T")};
    const struct consumer ann = {.chain = make(w, own, 2)};
    caller = &ann;
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, route, 3)), FILTER_NEXT);
    end(w, ">k >a >L >T <T <L <a .T .L .a .k");
}

static void test_nobody_and_those_without(void **state)
{
    struct world *w = *state;
    const struct filter_entry route[] = {ENTRY(knows, "k"), ENTRY(limit, "l")};
    const struct consumer bob = {.chain = NULL};
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, route, 2)), FILTER_NEXT);
    end(w, ">k >l <l .l .k");
    teardown(state);
    setup(state);
    caller = &bob;
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, route, 2)), FILTER_NEXT);
    end(w, ">k >l <l .l .k");
}

/* Added once, and not undone by what a backend has of the type. */
static void test_over_several_chains(void **state)
{
    struct world *w = *state;
    const struct filter_entry door[] = {ENTRY(may, "d")};
    const struct filter_entry route[] = {ENTRY(knows, "k")};
    const struct filter_entry backend[] = {ENTRY(limit, "l"), ENTRY(tag, "t")};
    const struct filter_entry own[] = {ENTRY(may, "M"), ENTRY(limit, "L")};
    const struct consumer ann = {.chain = make(w, own, 2)};
    const struct filter_chain *chains[] = {make(w, door, 1), make(w, route, 1),
                                           make(w, backend, 2)};
    caller = &ann;
    for (int round = 0; round < 2; round++) /* again: all are passed */
        for (int i = 0; i < 3; i++)
            assert_int_equal(filter_road_request(&w->road, &w->x, chains[i]), FILTER_NEXT);
    filter_road_unreached(&w->road, &w->x, chains[1]);
    end(w, ">d >k >M >L >t <t <L <M <d .t .L .M .k .d");
}

static void test_one_of_its_own_waits(void **state)
{
    struct world *w = *state;
    const struct filter_entry route[] = {ENTRY(knows, "k"), ENTRY(limit, "l")};
    const struct filter_entry own[] = {ENTRY(limit, "?L")};
    const struct consumer ann = {.chain = make(w, own, 1)};
    const struct filter_chain *chain = make(w, route, 2);
    caller = &ann;
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_WAIT);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_WAIT);
    filter_road_wake(&w->road);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_NEXT);
    end(w, ">k >?L >?L <?L .?L .k");
}

/* As it stands for a filter that cannot be read: whatever its phase is, it is not passed over. */
static void test_an_early_one_has_its_turn(void **state)
{
    struct world *w = *state;
    const struct filter_entry route[] = {ENTRY(knows, "k"), ENTRY(may, "a"), ENTRY(limit, "l")};
    const struct filter_entry own[] = {ENTRY(broken, "B")};
    const struct consumer ann = {.chain = make(w, own, 1)};
    caller = &ann;
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, route, 3)), FILTER_NEXT);
    end(w, ">k >B >a >l <l <a <B .l .a .B .k");
}

/* All that is left is somebody else's. */
static void test_nothing_is_left(void **state)
{
    struct world *w = *state;
    const struct filter_entry route[] = {ENTRY(knows, "k")}, backend[] = {ENTRY(limit, "l")};
    const struct filter_entry own[] = {ENTRY(limit, "L")};
    const struct consumer ann = {.chain = make(w, own, 1)};
    const struct filter_chain *first = make(w, route, 1), *second = make(w, backend, 1);
    caller = &ann;
    assert_int_equal(filter_road_request(&w->road, &w->x, first), FILTER_NEXT);
    assert_int_equal(filter_road_request(&w->road, &w->x, second), FILTER_NEXT);
    end(w, ">k >L <L .L .k");
}

static void test_too_many_are_refused(void **state)
{
    struct world *w = *state;
    struct filter_entry route[FILTER_CHAIN_MAX] = {ENTRY(knows, "k")};
    const struct filter_entry own[] = {ENTRY(limit, "L"), ENTRY(may, "M")};
    const struct consumer ann = {.chain = make(w, own, 2)};
    for (size_t i = 1; i < FILTER_CHAIN_MAX; i++)
        route[i] = (struct filter_entry)ENTRY(tag, "t");
    caller = &ann;
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, route, FILTER_CHAIN_MAX)),
                     FILTER_REPLY);
    filter_road_end(&w->road, &w->x);
    assert_string_equal(story, ">k !fail .k");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_of_another_namespace_both_run, setup, teardown),
        cmocka_unit_test_setup_teardown(test_in_the_place_of_others_and_besides, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_and_those_without, setup, teardown),
        cmocka_unit_test_setup_teardown(test_over_several_chains, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_of_its_own_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_early_one_has_its_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_many_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
