/* Requests whose connection is lost: which of them go out again, and which are told to have failed.
 * And room that is given back: by canceled requests, and by what was read; so much of it and no
 * more.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/kube/kube_bed.h"

struct told {
    unsigned count, status;
    char detail[300], body[100];
    size_t len; /* of the body */
};

static void on_done(void *owner, const struct kube_result *r)
{
    struct told *t = owner;
    t->count++;
    t->status = r->status;
    snprintf(t->detail, sizeof(t->detail), "%.*s", SLICE_ARG(r->detail));
    t->len = r->body.len;
    snprintf(t->body, sizeof(t->body), "%.*s", SLICE_ARG(r->body));
}

static struct kube_request *ask(struct kube_bed *b, struct told *t, const char *method,
                                const char *path, const char *body)
{
    struct kube_call call = {
        .method = method, .path = slice_from_cstr(path), .body = slice_from_cstr(body)};
    *t = (struct told){0};
    return kube_client_send(b->client, &call, on_done, t);
}

static const char *const versions[] = {"h2", "http/1.1"};

/* The server closes an idle connection just when the next question leaves. */
static void test_a_question_lost_with_an_idle_connection(void **state)
{
    for (int i = 0; i < 8; i++) {
        bool is_seen = i / 4; /* the server has read it, and nobody knows */
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i / 2 % 2], NULL);
        kube_bed_say(&b, 200, "first");
        ask(&b, &t, "GET", "/1", NULL);
        kube_bed_turn(&b);
        ask(&b, &t, "GET", "/2", NULL);
        if (is_seen)
            kube_bed_turn(&b);
        assert_int_equal(b.request_count, 1 + is_seen);
        kube_bed_cut(&b);
        if (i % 2)
            kube_bed_say_open(&b, "sec"); /* in its own time: it is not asked once more */
        else
            kube_bed_say(&b, 200, "second");
        kube_bed_turn(&b);
        if (i % 2) {
            assert_int_equal(t.count, 0);
            kube_bed_push(&b, "ond");
            kube_bed_finish(&b);
        }
        assert_string_equal(t.body, "second");
        assert_int_equal(b.wire.connections, 2);
        kube_bed_dispose(&b);
    }
}

/* What may have changed something is not said twice: whoever asked decides. */
static void test_a_change_lost_with_an_idle_connection(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};
    for (int i = 0; i < 8; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i / 4], NULL);
        kube_bed_say(&b, 200, "first");
        ask(&b, &t, "GET", "/1", NULL);
        kube_bed_turn(&b);
        ask(&b, &t, methods[i % 4], "/2", "{}");
        kube_bed_turn(&b);
        assert_int_equal(b.request_count, 2);
        kube_bed_cut(&b);
        kube_bed_say(&b, 200, "second");
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.status, 0);
        const char *why = strstr(t.detail, "the connection broke: ");
        assert_non_null(why);
        assert_string_not_equal(why + strlen("the connection broke: "), err_text(ERR_OK));
        assert_int_equal(b.request_count, 2);
        kube_bed_dispose(&b);
    }
}

/* On a connection of its own there was no race: something is wrong, and that is told. */
static void test_a_question_lost_with_a_new_connection(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i], NULL);
        ask(&b, &t, "GET", "/1", NULL);
        kube_bed_turn(&b);
        assert_int_equal(b.request_count, 1);
        kube_bed_cut(&b);
        kube_bed_say(&b, 200, "second");
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        assert_int_equal(t.status, 0);
        assert_int_equal(b.request_count, 1);
        kube_bed_dispose(&b);
    }
}

static void test_who_is_canceled_makes_room(void **state)
{
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct told t[40], last;
        struct kube_request *r[40];
        size_t sent;
        kube_bed_init(&b, versions[i], NULL);
        for (int k = 0; k < 40; k++)
            r[k] = ask(&b, &t[k], "GET", "/slow", NULL);
        kube_bed_turn(&b);
        sent = b.request_count;
        ask(&b, &last, "GET", "/last", NULL);
        for (int k = 0; k < 40; k++)
            kube_request_cancel(r[k]);
        kube_bed_say(&b, 200, "room");
        kube_bed_turn(&b);
        assert_string_equal(last.body, "room");
        assert_int_equal(b.request_count, sent + 1);
        kube_bed_dispose(&b);
    }
}

/* As large as they may be they come in whole; nobody is made to keep more. */
static void test_large_answers(void **state)
{
    enum { MOST = 16 << 20 };
    char *text = mem_alloc(MOST + 2);
    memset(text, 'x', MOST + 1);
    for (int i = 0; i < 4; i++) {
        struct kube_bed b;
        struct told t;
        kube_bed_init(&b, versions[i / 2], NULL);
        text[MOST + i % 2] = '\0';
        kube_bed_say(&b, 200, text);
        ask(&b, &t, "GET", "/large", NULL);
        kube_bed_turn(&b);
        assert_int_equal(t.count, 1);
        if (i % 2) {
            assert_non_null(strstr(t.detail, "the answer is too large"));
            assert_int_equal(t.len, 0);
        } else {
            assert_int_equal(t.status, 200);
            assert_int_equal(t.len, MOST);
        }
        kube_bed_dispose(&b);
        text[MOST] = 'x';
    }
    mem_free(text);
}

static void count_bytes(void *owner, struct slice bytes)
{
    *(size_t *)owner += bytes.len;
}

static void on_any_head(void *owner, unsigned status)
{
    (void)owner, (void)status;
}

static void on_any_end(void *owner, const struct kube_result *r)
{
    (void)owner, (void)r;
}

/* More than any window: a watch goes on for ever. */
static void test_a_stream_never_runs_dry(void **state)
{
    static const struct kube_stream_events counting = {on_any_head, count_bytes, on_any_end};
    static char text[65536];
    memset(text, 'x', sizeof(text) - 1);
    for (int i = 0; i < 2; i++) {
        struct kube_bed b;
        struct kube_call call = {.method = "GET", .path = SLICE("/watch")};
        size_t bytes = 0;
        kube_bed_init(&b, versions[i], NULL);
        kube_bed_say_open(&b, "");
        kube_client_stream(b.client, &call, 0, &counting, &bytes);
        kube_bed_turn(&b);
        for (size_t k = 1; k <= 160; k++) {
            kube_bed_push(&b, text);
            assert_int_equal(bytes, k * (sizeof(text) - 1));
        }
        kube_bed_dispose(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_question_lost_with_an_idle_connection),
        cmocka_unit_test(test_a_change_lost_with_an_idle_connection),
        cmocka_unit_test(test_a_question_lost_with_a_new_connection),
        cmocka_unit_test(test_who_is_canceled_makes_room),
        cmocka_unit_test(test_large_answers),
        cmocka_unit_test(test_a_stream_never_runs_dry),
    };
    return cmocka_run_group_tests(tests, kube_wire_set_up, kube_wire_tear_down);
}
