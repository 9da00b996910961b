/* kube_watch.c against a scripted server: which requests it makes, when, and what it tells; every
 * way for a list or a watch to end; and being closed from inside each event.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_watch.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/kube/kube_bed.h"

struct seen {
    struct kube_bed bed;
    struct kube_watch *watch;
    char told[2000]; /* "begin put:a synced " */
    const char *close_at;
};

static void note(struct seen *s, const char *what, struct slice name)
{
    size_t len = strlen(s->told);
    snprintf(s->told + len, sizeof(s->told) - len, "%s%s%.*s ", what, name.len ? ":" : "",
             SLICE_ARG(name));
    if (s->close_at && strcmp(s->close_at, what) == 0) {
        kube_watch_close(s->watch);
        s->watch = NULL;
        s->close_at = NULL;
    }
}

static void on_begin(void *owner)
{
    note(owner, "begin", SLICE(""));
}

static void on_synced(void *owner)
{
    note(owner, "synced", SLICE(""));
}

static void on_put(void *owner, const struct doc *object)
{
    note(owner, "put", doc_string(doc_find(object, "metadata.name")));
}

static void on_delete(void *owner, const struct doc *object)
{
    note(owner, "delete", doc_string(doc_find(object, "metadata.name")));
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    char text[16];
    struct seen *s = owner;
    assert_true(detail.len > 0);
    snprintf(text, sizeof(text), "%u", status);
    note(s, "trouble", slice_from_cstr(text));
}

static void open_watch(struct seen *s, const char *selectors)
{
    static const struct kube_watch_events events = {on_begin, on_put, on_delete, on_synced,
                                                    on_trouble};
    struct kube_watch_config config = {
        .path = "/api/v1/pods", .selectors = slice_from_cstr(selectors), .page = 2};
    *s = (struct seen){0};
    kube_bed_init(&s->bed, "h2", NULL);
    s->watch = kube_watch_open(s->bed.client, &config, &events, s);
}

static void close_watch(struct seen *s)
{
    kube_watch_close(s->watch);
    kube_bed_dispose(&s->bed);
}

/* What was told since the last time. */
static void expect(struct seen *s, const char *told)
{
    assert_string_equal(s->told, told);
    s->told[0] = '\0';
}

#define LIST(version, items)                                                                     \
    "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"" version "\"},\"items\":[" items \
    "]}"
#define PAGE(next, items)                                                                \
    "{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"1\",\"continue\":\"" next \
    "\"},\"items\":[" items "]}"
#define ITEM(name) "{\"metadata\":{\"name\":\"" name "\"}}"
#define EVENT(type, name, version)                                      \
    "{\"type\":\"" type "\",\"object\":{\"metadata\":{\"name\":\"" name \
    "\",\"resourceVersion\":\"" version "\"}}}\n"
#define ERROR(code) \
    "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"message\":\"m\",\"code\":" code "}}\n"

static void expect_list(struct seen *s, size_t index, const char *next)
{
    char *want =
        mem_printf("GET /api/v1/pods?limit=2%s%s", next ? "&continue=" : "", next ? next : "");
    kube_bed_expect(&s->bed, index, want);
    mem_free(want);
}

static void expect_watch(struct seen *s, size_t index, const char *version)
{
    char want[200];
    unsigned seconds;
    assert_true(index < s->bed.request_count);
    snprintf(want, sizeof(want),
             "GET /api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=%s&timeoutSeconds=",
             version);
    const char *got = s->bed.requests[index];
    if (strncmp(got, want, strlen(want)) != 0)
        fail_msg("%s, not %s", got, want);
    assert_int_equal(sscanf(got + strlen(want), "%u", &seconds), 1);
    assert_in_range(seconds, 300, 600);
}

/* A watch that has listed nothing, at version 5. */
static void open_synced(struct seen *s)
{
    open_watch(s, "");
    kube_bed_say(&s->bed, 200, LIST("5", ""));
    kube_bed_say_open(&s->bed, "");
    kube_bed_turn(&s->bed);
    expect(s, "begin synced ");
    assert_true(kube_watch_is_synced(s->watch));
    expect_watch(s, 1, "5");
}

static void test_pages(void **state)
{
    struct seen s;
    open_watch(&s, "");
    assert_false(kube_watch_is_synced(s.watch));
    kube_bed_say(&s.bed, 200, PAGE("a/b=", ITEM("1") "," ITEM("2")));
    kube_bed_say(&s.bed, 200, PAGE("c", ITEM("3") "," ITEM("4")));
    kube_bed_say(&s.bed, 200, LIST("9", ITEM("5")));
    kube_bed_turn(&s.bed);
    expect(&s, "begin put:1 put:2 put:3 put:4 put:5 synced ");
    expect_list(&s, 0, NULL);
    expect_list(&s, 1, "a%2Fb%3D");
    expect_list(&s, 2, "c");
    expect_watch(&s, 3, "9");
    close_watch(&s);
}

static void test_selectors(void **state)
{
    struct seen s;
    open_watch(&s, "fieldSelector=a%3Db");
    kube_bed_say(&s.bed, 200, LIST("9", ""));
    kube_bed_turn(&s.bed);
    kube_bed_expect(&s.bed, 0, "GET /api/v1/pods?fieldSelector=a%3Db&limit=2");
    assert_non_null(strstr(s.bed.requests[1], "?fieldSelector=a%3Db&watch=1&"));
    close_watch(&s);
}

static void test_changes_and_bookmarks(void **state)
{
    struct seen s;
    open_synced(&s);
    kube_bed_push(&s.bed, EVENT("ADDED", "a", "6") "{\"type\":\"MODI");
    expect(&s, "put:a ");
    kube_bed_push(&s.bed, "FIED\",\"object\":" ITEM("a") "}" EVENT("DELETED", "a", "8"));
    expect(&s, "put:a delete:a ");
    kube_bed_push(&s.bed, EVENT("BOOKMARK", "", "20") EVENT("NEWS", "x", "21"));
    expect(&s, "");
    /* It ends as watches do: on it goes, at once. */
    kube_bed_say_open(&s.bed, EVENT("ADDED", "b", "22"));
    kube_bed_finish(&s.bed);
    expect_watch(&s, 2, "21");
    expect(&s, "put:b ");
    assert_int_equal(s.bed.wire.connections, 1);
    close_watch(&s);
}

static void test_a_broken_connection(void **state)
{
    struct seen s;
    open_synced(&s);
    kube_bed_push(&s.bed, EVENT("ADDED", "a", "6"));
    kube_bed_cut(&s.bed);
    expect(&s, "put:a trouble:0 ");
    assert_true(kube_watch_is_synced(s.watch));
    assert_in_range(kube_bed_await(&s.bed, 3), 200, 700);
    expect_watch(&s, 2, "6");
    close_watch(&s);
}

static void test_back_off(void **state)
{
    struct seen s;
    unsigned tries = 0;
    uint64_t longest = 0;
    open_synced(&s);
    kube_bed_finish(&s.bed);
    for (; tries < 30; tries++)
        kube_bed_say(&s.bed, 500, "");
    for (size_t i = 0; i < tries; i++) {
        uint64_t waited = kube_bed_await(&s.bed, 3 + i);
        assert_in_range(waited, i ? 200 : 0, 30100);
        longest = waited > longest ? waited : longest;
    }
    assert_true(longest > 1000);
    /* A success, and it is quick again. */
    kube_bed_say_open(&s.bed, EVENT("ADDED", "a", "6"));
    kube_bed_await(&s.bed, 3 + tries);
    kube_bed_cut(&s.bed);
    assert_in_range(kube_bed_await(&s.bed, 4 + tries), 200, 700);
    expect_watch(&s, 3 + tries, "6");
    close_watch(&s);
}

static void test_the_server_says_when(void **state)
{
    struct seen s;
    open_synced(&s);
    kube_bed_answer(&s.bed, &(struct kube_bed_answer){.status = 429, .retry_after = "7"});
    kube_bed_push(&s.bed, EVENT("ADDED", "a", "6"));
    kube_bed_finish(&s.bed);
    expect(&s, "put:a trouble:429 ");
    assert_in_range(kube_bed_await(&s.bed, 4), 7000, 7100);
    close_watch(&s);
}

static void expect_new_list(struct seen *s, const char *told)
{
    kube_bed_say(&s->bed, 200, LIST("30", ITEM("n")));
    kube_bed_await(&s->bed, s->bed.request_count + 2);
    expect(s, told);
    expect_list(s, s->bed.request_count - 2, NULL);
    expect_watch(s, s->bed.request_count - 1, "30");
    close_watch(s);
}

static void test_gone(void **state)
{
    struct seen s;
    open_synced(&s);
    kube_bed_push(&s.bed, ERROR("410"));
    kube_bed_finish(&s.bed);
    expect_new_list(&s, "begin put:n synced ");
    open_synced(&s);
    kube_bed_say(&s.bed, 410, "");
    kube_bed_cut(&s.bed);
    kube_bed_await(&s.bed, 3);
    expect_new_list(&s, "trouble:0 begin put:n synced ");
}

/* Behind an error nothing counts any more. */
static void test_other_errors_of_a_watch(void **state)
{
    static const char *const errors[] = {ERROR("500") EVENT("ADDED", "a", "6"), ERROR("\"x\""),
                                         "{\"type\":\"ERROR\",\"object\":{}}"};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        struct seen s;
        open_synced(&s);
        kube_bed_push(&s.bed, errors[i]);
        kube_bed_finish(&s.bed);
        expect_new_list(&s, "trouble:500 begin put:n synced ");
    }
}

static void test_events_that_are_no_json(void **state)
{
    struct seen s;
    open_synced(&s);
    kube_bed_push(&s.bed, EVENT("ADDED", "a", "6") "oops" EVENT("ADDED", "b", "7"));
    kube_bed_finish(&s.bed);
    expect_new_list(&s, "put:a trouble:0 begin put:n synced ");
}

/* A document cannot hold it; the others are seen all the same. */
static void test_an_object_that_cannot_be_read(void **state)
{
    struct seen s;
    open_watch(&s, "");
    kube_bed_say(&s.bed, 200, LIST("5", ITEM("a") ",{\"x\":\"\\u0000\"}," ITEM("b")));
    kube_bed_say_open(&s.bed, "{\"type\":\"ADDED\",\"object\":{\"x\":\"\\u0000\"}}\n"
                              "{\"type\":\"ADDED\"}\n" EVENT("ADDED", "c", "6"));
    kube_bed_turn(&s.bed);
    expect(&s, "begin put:a put:b synced put:c ");
    close_watch(&s);
}

static void test_lists_that_fail(void **state)
{
    static const char *const bodies[] = {
        "", "{", "{\"items\":[]}", "[]", "{\"items\":[1]}", LIST("../x", "")};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct seen s;
        open_watch(&s, "");
        kube_bed_say(&s.bed, 200, bodies[i]);
        kube_bed_turn(&s.bed);
        expect(&s, "begin trouble:0 ");
        assert_false(kube_watch_is_synced(s.watch));
        expect_new_list(&s, "begin put:n synced ");
    }
}

/* In the middle of its pages: begin anew, and in one piece when they expire faster than we read. */
static void test_pages_that_fail(void **state)
{
    struct seen s;
    open_watch(&s, "");
    kube_bed_say(&s.bed, 200, PAGE("c", ITEM("1")));
    kube_bed_say(&s.bed, 500, "");
    kube_bed_turn(&s.bed);
    expect(&s, "begin put:1 trouble:500 ");
    expect_new_list(&s, "begin put:n synced ");
    open_watch(&s, "");
    kube_bed_say(&s.bed, 200, PAGE("c", ITEM("1")));
    kube_bed_say(&s.bed, 410, "");
    kube_bed_say(&s.bed, 200, LIST("8", ITEM("1") "," ITEM("2") "," ITEM("3")));
    kube_bed_turn(&s.bed);
    expect(&s, "begin put:1 begin put:1 put:2 put:3 synced ");
    kube_bed_expect(&s.bed, 2, "GET /api/v1/pods?limit=0");
    expect_watch(&s, 3, "8");
    close_watch(&s);
}

static void test_a_kind_that_is_not_there_yet(void **state)
{
    struct seen s;
    open_watch(&s, "");
    kube_bed_say(&s.bed, 404, "404 page not found");
    kube_bed_say(&s.bed, 403, "");
    kube_bed_turn(&s.bed);
    expect(&s, "trouble:404 ");
    assert_in_range(kube_bed_await(&s.bed, 2), 10000, 12600);
    expect(&s, "trouble:403 ");
    expect_new_list(&s, "begin put:n synced ");
}

/* A server that has just started does not know its own kinds for a moment: nothing is gone. */
static void test_a_kind_that_is_missed_for_a_moment(void **state)
{
    struct seen s;
    open_synced(&s);
    kube_bed_say(&s.bed, 404, "");
    kube_bed_push(&s.bed, EVENT("ADDED", "a", "6"));
    kube_bed_finish(&s.bed);
    expect(&s, "put:a trouble:404 ");
    assert_true(kube_watch_is_synced(s.watch));
    assert_in_range(kube_bed_await(&s.bed, 4), 200, 700);
    expect_watch(&s, 3, "6");
    close_watch(&s);
}

static void test_watches_that_end_at_once(void **state)
{
    struct seen s;
    open_synced(&s);
    for (int i = 0; i < 3; i++)
        kube_bed_say(&s.bed, 200, "");
    loop_sim_advance(s.bed.loop, 2000);
    kube_bed_finish(&s.bed);
    /* The first one was long enough; then nobody asks without a pause. */
    assert_int_equal(s.bed.request_count, 3);
    assert_true(kube_bed_await(&s.bed, 5) >= 400);
    close_watch(&s);
}

static void test_silence(void **state)
{
    struct seen s;
    open_synced(&s);
    loop_sim_advance(s.bed.loop, 650000);
    expect(&s, "");
    loop_sim_advance(s.bed.loop, 11000);
    expect(&s, "trouble:0 ");
    kube_bed_await(&s.bed, 3);
    expect_watch(&s, 2, "5");
    close_watch(&s);
}

static void test_closed_inside_every_event(void **state)
{
    static const char *const events[] = {"begin", "put", "synced", "delete", "trouble"};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct seen s;
        open_watch(&s, "");
        s.close_at = events[i];
        kube_bed_say(&s.bed, 200, LIST("5", ITEM("1") "," ITEM("2")));
        kube_bed_say_open(&s.bed, EVENT("DELETED", "1", "6") EVENT("DELETED", "2", "7"));
        kube_bed_turn(&s.bed);
        if (i == 4)
            kube_bed_cut(&s.bed);
        assert_null(s.watch);
        const char *last = strrchr(s.told, events[i][0]);
        assert_non_null(strstr(s.told, events[i]));
        assert_true(last && strlen(last) <= strlen(events[i]) + 3);
        loop_sim_advance(s.bed.loop, 60000);
        kube_bed_dispose(&s.bed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_changes_and_bookmarks),
        cmocka_unit_test(test_a_broken_connection),
        cmocka_unit_test(test_back_off),
        cmocka_unit_test(test_the_server_says_when),
        cmocka_unit_test(test_gone),
        cmocka_unit_test(test_other_errors_of_a_watch),
        cmocka_unit_test(test_events_that_are_no_json),
        cmocka_unit_test(test_an_object_that_cannot_be_read),
        cmocka_unit_test(test_lists_that_fail),
        cmocka_unit_test(test_pages_that_fail),
        cmocka_unit_test(test_a_kind_that_is_not_there_yet),
        cmocka_unit_test(test_a_kind_that_is_missed_for_a_moment),
        cmocka_unit_test(test_watches_that_end_at_once),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_closed_inside_every_event),
    };
    return cmocka_run_group_tests(tests, kube_wire_set_up, kube_wire_tear_down);
}
