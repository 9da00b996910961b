/* Tests of the runner with several filters: who goes when, who waits, who sees which bytes of a
 * body, and that every filter that was begun hears of the end once.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/chain.h"

#include <stdio.h>

#include "filters/prepare.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

/* What one filter does, and what it is called in the story. */
struct part {
    char name;
    enum filter_verdict on_request; /* WAIT: the first time only */
    enum filter_verdict on_response;
    size_t keep; /* of a body: it waits until so many bytes are there, or the end */
    size_t most; /* of a body: it answers above that; 0: any */
};

struct own {
    bool has_waited, has_kept;
    size_t seen;
};

static char story[512];

static void tell(char what, char who)
{
    size_t len = strlen(story);
    snprintf(story + len, sizeof story - len, "%s%c%c", len ? " " : "", what, who);
}

static enum filter_verdict on_request(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct part *p = conf;
    struct own *own = ctx;
    if (p->on_request == FILTER_WAIT && own->has_waited) {
        tell('>', p->name);
        return FILTER_NEXT;
    }
    own->has_waited = true;
    tell(p->on_request == FILTER_WAIT ? '?' : '>', p->name);
    return p->on_request;
}

static enum filter_verdict on_response(struct filter_exchange *x, const void *conf, void *ctx)
{
    const struct part *p = conf;
    tell('<', p->name);
    return p->on_response;
}

static enum filter_verdict on_body(struct filter_exchange *x, const void *conf, void *ctx,
                                   struct buf *body, bool end)
{
    const struct part *p = conf;
    struct own *own = ctx;
    own->seen = own->seen > body->len ? own->seen : body->len;
    if (p->most && body->len > p->most)
        return FILTER_REPLY;
    if (body->len < p->keep && !end) {
        tell('=', p->name);
        return FILTER_WAIT;
    }
    tell('+', p->name);
    return FILTER_NEXT;
}

static void on_end(struct filter_exchange *x, const void *conf, void *ctx)
{
    tell('.', ((const struct part *)conf)->name);
}

#define HOOKS                                                                     \
    .ctx_size = sizeof(struct own), .on_request = on_request, .on_response = on_response, \
    .on_end = on_end
static const struct filter early = {.name = "early", .phase = FILTER_PHASE_CORS, HOOKS};
static const struct filter late = {.name = "late", .phase = FILTER_PHASE_ANSWER, HOOKS};
static const struct filter reader = {
    .name = "reader", .phase = FILTER_PHASE_LIMIT, .on_request_body = on_body,
    .on_response_body = on_body, HOOKS};
static const struct filter seer = {
    .name = "seer", .phase = FILTER_PHASE_CORS, .sees_every_answer = true, HOOKS};

static const struct filter opener = {
    .name = "opener", .phase = FILTER_PHASE_LIMIT, .on_request_body = on_body,
    .on_response_body = on_body, .is_next_to_backend = true, HOOKS};

struct world {
    struct arena arena;
    struct filter_road road;
    struct filter_exchange x;
    struct message request;
};

static int setup(void **state)
{
    static struct world w;
    w = (struct world){0};
    arena_init(&w.arena, 4096);
    message_init(&w.request, &w.arena);
    w.x.arena = &w.arena;
    w.x.request = &w.request;
    story[0] = '\0';
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
    filter_road_end(&w->road, &w->x);
    filter_road_end(&w->road, &w->x); /* once is enough */
    assert_string_equal(story, want);
}

static void test_phases_decide_the_order(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};
    const struct filter_entry entries[] = {
        {.filter = &late, .conf = &a},
        {.filter = &reader, .conf = &b},
        {.filter = &early, .conf = &c},
        {.filter = &late, .conf = &d}, /* as they were given, where the phase is one */
    };
    const struct filter_chain *chain = make(w, entries, 4);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_NEXT);
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    end(w, ">c >b >a >d <d <a <b <c .d .a .b .c");
}

static void test_too_long_a_chain_is_refused(void **state)
{
    struct world *w = *state;
    struct filter_entry entries[FILTER_CHAIN_MAX + 1];
    const struct part p = {.name = 'p'};
    const struct filter_chain *chain;
    for (size_t i = 0; i <= FILTER_CHAIN_MAX; i++)
        entries[i] = (struct filter_entry){.filter = &early, .conf = &p};
    assert_int_equal(filter_chain_make(&w->arena, entries, FILTER_CHAIN_MAX + 1, &chain),
                     ERR_LIMIT);
    assert_int_equal(make(w, entries, FILTER_CHAIN_MAX)->count, FILTER_CHAIN_MAX);
    assert_null(make(w, entries, 0));
}

/* The chain before it is not run again, and only its own wake lets it go on, with the same ctx. */
static void test_a_second_chain_that_waits(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b', .on_request = FILTER_WAIT},
                      c = {.name = 'c'};
    const struct filter_entry first[] = {{.filter = &early, .conf = &a}};
    const struct filter_entry second[] = {{.filter = &early, .conf = &b},
                                          {.filter = &late, .conf = &c}};
    const struct filter_chain *route = make(w, first, 1), *backend = make(w, second, 2);
    assert_int_equal(filter_road_request(&w->road, &w->x, route), FILTER_NEXT);
    assert_int_equal(filter_road_request(&w->road, &w->x, backend), FILTER_WAIT);
    assert_int_equal(filter_road_request(&w->road, &w->x, route), FILTER_NEXT);
    assert_int_equal(filter_road_request(&w->road, &w->x, backend), FILTER_WAIT);
    assert_string_equal(story, ">a ?b");
    filter_road_wake(&w->road);
    assert_int_equal(filter_road_request(&w->road, &w->x, route), FILTER_NEXT);
    assert_int_equal(filter_road_request(&w->road, &w->x, backend), FILTER_NEXT);
    end(w, ">a ?b >b >c .c .b .a");
}

/* It may be woken before it has answered that it waits. */
static void test_woken_from_inside(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a', .on_request = FILTER_WAIT};
    const struct filter_entry entries[] = {{.filter = &early, .conf = &a}};
    const struct filter_chain *chain = make(w, entries, 1);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_WAIT);
    filter_road_wake(&w->road);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_NEXT);
    end(w, "?a >a .a");
}

/* The client leaves while b waits: b has begun, c has not. */
static void test_the_end_of_one_that_waits(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b', .on_request = FILTER_WAIT},
                      c = {.name = 'c'};
    const struct filter_entry entries[] = {{.filter = &early, .conf = &a},
                                           {.filter = &reader, .conf = &b},
                                           {.filter = &late, .conf = &c}};
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, entries, 3)), FILTER_WAIT);
    end(w, ">a ?b .b .a");
}

/* Who answers sees its own answer, and so does everybody before it. */
static void test_an_answer_in_the_middle(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b', .on_request = FILTER_REPLY},
                      c = {.name = 'c'};
    const struct filter_entry entries[] = {{.filter = &early, .conf = &a},
                                           {.filter = &reader, .conf = &b},
                                           {.filter = &late, .conf = &c}};
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, entries, 3)), FILTER_REPLY);
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    end(w, ">a >b <b <a .b .a");
}

/* An answer before the chain had its turn: to those that see every answer, and to nobody twice. */
static void test_unreached(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b'};
    const struct filter_entry entries[] = {{.filter = &seer, .conf = &a},
                                           {.filter = &late, .conf = &b}};
    const struct filter_chain *chain = make(w, entries, 2);
    filter_road_unreached(&w->road, &w->x, chain);
    filter_road_unreached(&w->road, &w->x, NULL);
    assert_string_equal(story, "<a");
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_NEXT);
    filter_road_unreached(&w->road, &w->x, chain);
    end(w, "<a >a >b .b .a");
}

/* ---- bodies ---- */

static bool give(struct world *w, bool is_request, const char *text, bool last, const char *want)
{
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    buf_append_slice(&in, slice_from_cstr(text));
    enum filter_verdict verdict =
        is_request ? filter_road_request_body(&w->road, &w->x, &in, last, &out)
                   : filter_road_response_body(&w->road, &w->x, &in, last, &out);
    assert_int_equal(verdict, FILTER_NEXT);
    assert_slice(buf_take_into(&out, &w->arena), want);
    buf_dispose(&in);
    return is_request ? w->road.request_body.is_over : w->road.response_body.is_over;
}

static void begin(struct world *w, const struct part *parts, size_t count)
{
    struct filter_entry entries[8] = {{.filter = &early, .conf = &parts[0]}};
    for (size_t i = 1; i < count; i++)
        entries[i] = (struct filter_entry){.filter = &reader, .conf = &parts[i]};
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, entries, count)), FILTER_NEXT);
    story[0] = '\0';
}

static void test_a_body_through_two_filters(void **state)
{
    struct world *w = *state;
    const struct part parts[] = {
        {.name = 'a'}, {.name = 'b', .keep = 3}, {.name = 'c', .keep = 5}};
    begin(w, parts, 3);
    assert_true(filter_road_sees_request_body(&w->road));
    assert_false(give(w, true, "12", false, ""));
    assert_true(w->road.request_body.waits);
    assert_int_equal(w->road.request_body.held, 2);
    assert_false(give(w, true, "", false, "")); /* nothing new: nobody is asked */
    assert_false(give(w, true, "34", false, ""));
    assert_int_equal(w->road.request_body.held, 4);
    assert_false(give(w, true, "5678", false, "12345678"));
    assert_false(w->road.request_body.waits);
    assert_true(give(w, true, "9", true, "9"));
    assert_int_equal(w->road.request_body.held, 0);
    assert_string_equal(story, "=b +b =c +b +c +b +c");
}

/* Woken, it is asked again without any news; the last bytes go when the end is known. */
static void test_a_body_that_waits(void **state)
{
    struct world *w = *state;
    const struct part parts[] = {{.name = 'a'}, {.name = 'b', .keep = 9}};
    begin(w, parts, 2);
    assert_false(give(w, true, "1", false, ""));
    filter_road_wake(&w->road);
    assert_false(give(w, true, "", false, ""));
    assert_false(give(w, true, "", false, ""));
    assert_true(give(w, true, "", true, "1"));
    assert_string_equal(story, "=b =b +b");
}

static void test_responses_go_backward(void **state)
{
    struct world *w = *state;
    const struct part parts[] = {{.name = 'a'}, {.name = 'b'}, {.name = 'c', .keep = 2}};
    begin(w, parts, 3);
    assert_false(filter_road_sees_response_body(&w->road)); /* nobody has seen its head */
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    assert_true(filter_road_sees_response_body(&w->road));
    story[0] = '\0';
    assert_false(give(w, false, "1", false, ""));
    assert_true(give(w, false, "2", true, "12"));
    assert_string_equal(story, "=c +c +b");
}

static void test_nothing_but_an_end(void **state)
{
    struct world *w = *state;
    const struct part parts[] = {{.name = 'a'}, {.name = 'b', .keep = 2}, {.name = 'c'}};
    begin(w, parts, 3);
    assert_true(give(w, true, "", true, ""));
    assert_true(give(w, true, "", true, "")); /* it is over */
    end(w, "+b +c .c .b .a");
}

static void test_a_body_that_is_answered(void **state)
{
    struct world *w = *state;
    struct buf in, out;
    const struct part parts[] = {{.name = 'a'}, {.name = 'b', .most = 3}, {.name = 'c'}};
    begin(w, parts, 3);
    buf_init(&in);
    buf_init(&out);
    buf_append_slice(&in, SLICE("1234"));
    assert_int_equal(filter_road_request_body(&w->road, &w->x, &in, false, &out), FILTER_REPLY);
    assert_true(buf_is_empty(&out));
    buf_dispose(&in);
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    end(w, "<c <b <a .c .b .a");
}

/* Who is next to the backend has responses first, in whatever chain it stands. */
static void test_next_to_the_backend(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b'}, c = {.name = 'c'}, d = {.name = 'd'};
    const struct filter_entry first[] = {{.filter = &early, .conf = &a},
                                         {.filter = &opener, .conf = &b}};
    const struct filter_entry second[] = {{.filter = &reader, .conf = &c},
                                          {.filter = &late, .conf = &d}};
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, first, 2)), FILTER_NEXT);
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, second, 2)), FILTER_NEXT);
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    assert_true(give(w, true, "1", true, "1"));
    assert_true(give(w, false, "1", true, "1"));
    end(w, ">a >b >c >d <b <d <c <a +b +c +b +c .d .c .b .a");
}

/* ---- a filter that looks at a body before it lets the head go on ---- */

/* What has passed the filters before it goes on to those behind it, in its order. */
static void test_who_comes_behind_one_that_waits(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b', .on_request = FILTER_WAIT, .keep = 4},
                      c = {.name = 'c'};
    const struct filter_entry entries[] = {{.filter = &reader, .conf = &a},
                                           {.filter = &reader, .conf = &b},
                                           {.filter = &reader, .conf = &c}};
    const struct filter_chain *chain = make(w, entries, 3);
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_WAIT);
    buf_append_slice(&in, SLICE("12"));
    assert_int_equal(filter_road_request_body(&w->road, &w->x, &in, false, &out), FILTER_NEXT);
    assert_int_equal(out.len, 2);
    buf_append_slice(&in, SLICE("3"));
    assert_int_equal(filter_road_request_body(&w->road, &w->x, &in, true, &out), FILTER_NEXT);
    assert_true(w->road.request_body.is_over);
    filter_road_wake(&w->road);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_NEXT);
    assert_false(w->road.request_body.is_over); /* two have still to see it */
    assert_int_equal(filter_road_request_body(&w->road, &w->x, &in, true, &out), FILTER_NEXT);
    assert_true(w->road.request_body.is_over);
    assert_slice(buf_take_into(&out, &w->arena), "123");
    end(w, ">a ?b +a +a >b >c +b +c .c .b .a");
}

/* It is the body and not only its end that they see. */
static void test_what_they_see_of_it(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b', .on_request = FILTER_WAIT, .most = 2};
    const struct filter_entry entries[] = {{.filter = &reader, .conf = &a},
                                           {.filter = &reader, .conf = &b}};
    const struct filter_chain *chain = make(w, entries, 2);
    struct buf in, out;
    buf_init(&in);
    buf_init(&out);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_WAIT);
    buf_append_slice(&in, SLICE("123"));
    assert_int_equal(filter_road_request_body(&w->road, &w->x, &in, true, &out), FILTER_NEXT);
    filter_road_wake(&w->road);
    assert_int_equal(filter_road_request(&w->road, &w->x, chain), FILTER_NEXT);
    assert_int_equal(filter_road_request_body(&w->road, &w->x, &in, true, &out), FILTER_REPLY);
    assert_true(buf_is_empty(&out));
    buf_dispose(&in);
    end(w, ">a ?b +a >b .b .a");
}

/* A body that is refused before the filter that waits for it has it all. */
static void test_a_body_that_is_refused_meanwhile(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'}, b = {.name = 'b', .on_request = FILTER_WAIT};
    const struct filter_entry entries[] = {{.filter = &reader, .conf = &a},
                                           {.filter = &reader, .conf = &b}};
    filter_road_break(&w->road, FILTER_REPLY); /* of no account to those that do not wait */
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, entries, 1)), FILTER_NEXT);
    filter_road_break(&w->road, FILTER_REPLY);
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, entries + 1, 1)), FILTER_REPLY);
    assert_int_equal(filter_road_response(&w->road, &w->x), FILTER_NEXT);
    end(w, ">a ?b <b <a .b .a");
}

/* Without body hooks nobody is bothered. */
static void test_no_hooks(void **state)
{
    struct world *w = *state;
    const struct part a = {.name = 'a'};
    const struct filter_entry entries[] = {{.filter = &early, .conf = &a}};
    assert_int_equal(filter_road_request(&w->road, &w->x, make(w, entries, 1)), FILTER_NEXT);
    assert_false(filter_road_sees_request_body(&w->road));
    assert_false(filter_road_sees_response_body(&w->road));
    assert_int_equal(filter_road_request(&w->road, &w->x, NULL), FILTER_NEXT);
    end(w, ">a .a");
}

/* ---- specifications ---- */

static void test_prepare_says_what_is_wrong(void **state)
{
    static const struct {
        const char *spec, *want;
    } bad[] = {
        {"{", "requestSize: "},
        {"{}", "requestSize.max: is required"},
        {"{\"max\": 1, \"min\": 2}", "requestSize.min: unknown field"},
        {"[]", "requestSize: must be an object, not list"},
    };
    struct world *w = *state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char detail[FILTER_DETAIL_MAX] = "";
        struct filter_build b = {.arena = &w->arena, .detail = detail};
        const void *conf;
        assert_int_equal(filter_prepare(filter_find(SLICE("requestSize")),
                                        slice_from_cstr(bad[i].spec), &b, &conf),
                         ERR_INVALID);
        if (strncmp(detail, bad[i].want, strlen(bad[i].want)) != 0)
            fail_msg("\"%s\" does not begin with \"%s\"", detail, bad[i].want);
    }
}

static void test_every_filter_is_found(void **state)
{
    for (size_t i = 0; i < filter_count; i++) {
        const struct filter *f = filter_all[i];
        assert_ptr_equal(filter_find(slice_from_cstr(f->name)), f);
        assert_non_null(f->doc);
        assert_non_null(f->spec);
    }
    assert_null(filter_find(SLICE("nothing")));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_phases_decide_the_order),
        TEST(test_too_long_a_chain_is_refused),
        TEST(test_a_second_chain_that_waits),
        TEST(test_woken_from_inside),
        TEST(test_the_end_of_one_that_waits),
        TEST(test_an_answer_in_the_middle),
        TEST(test_unreached),
        TEST(test_a_body_through_two_filters),
        TEST(test_a_body_that_waits),
        TEST(test_responses_go_backward),
        TEST(test_nothing_but_an_end),
        TEST(test_a_body_that_is_answered),
        TEST(test_next_to_the_backend),
        TEST(test_who_comes_behind_one_that_waits),
        TEST(test_what_they_see_of_it),
        TEST(test_a_body_that_is_refused_meanwhile),
        TEST(test_no_hooks),
        TEST(test_prepare_says_what_is_wrong),
        TEST(test_every_filter_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
