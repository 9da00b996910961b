/* kube_event.c: what an Event says, within the limits of the API server, and how often it is said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/utf8.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/kube/kube_write.h"
#include "tests/unit/lib/kube/kube_bed.h"

enum { HOUR_MS = 3600000, NOTE_MAX = 1024, NAME_MAX_LEN = 253 };

static struct kube_bed bed;
static struct arena arena;

static int set_up(void **state)
{
    kube_bed_init(&bed, "h2", NULL);
    arena_init(&arena, 4096);
    for (int i = 0; i < KUBE_BED_REQUESTS; i++)
        kube_bed_say(&bed, 201, "{}");
    return 0;
}

static int tear_down(void **state)
{
    kube_bed_dispose(&bed);
    arena_dispose(&arena);
    return 0;
}

static struct kube_event refusal(void)
{
    return (struct kube_event){
        .kind = "HTTPRoute",
        .about = {"gateway.networking.k8s.io/v1", "httproutes", SLICE("shop"), SLICE("web")},
        .uid = SLICE("u-1"),
        .is_warning = true,
        .reason = "Refused",
        .note = SLICE("it has no rules"),
    };
}

/* What was sent last; it was a POST to that collection. */
static const struct doc *tell(const struct kube_event *e, const char *path)
{
    struct doc_error error;
    const struct doc *d;
    size_t before = bed.request_count;
    kube_write_event(bed.client, e);
    kube_bed_turn(&bed);
    assert_int_equal(bed.request_count, before + 1);
    char *start = mem_printf("POST %s ", path);
    const char *sent = bed.requests[before];
    if (strncmp(sent, start, strlen(start)) != 0)
        fail_msg("%s", sent);
    struct slice body = slice_from_cstr(sent + strlen(start));
    assert_int_equal(doc_json_parse(body, &arena, &d, &error), ERR_OK);
    mem_free(start);
    return d;
}

static void expect(const struct doc *d, const char *path, const char *text)
{
    if (!slice_eq_cstr(doc_string(doc_find(d, path)), text))
        fail_msg("%s: %.*s, not %s", path, SLICE_ARG(doc_string(doc_find(d, path))), text);
}

#define SHOP "/apis/events.k8s.io/v1/namespaces/shop/events"

static void test_what_it_says(void **state)
{
    struct kube_event e = refusal();
    const struct doc *d = tell(&e, SHOP);
    expect(d, "apiVersion", "events.k8s.io/v1");
    expect(d, "kind", "Event");
    expect(d, "metadata.namespace", "shop");
    expect(d, "type", "Warning");
    expect(d, "reason", "Refused");
    expect(d, "note", "it has no rules");
    expect(d, "action", "Reconcile");
    expect(d, "reportingController", "policy.weft.dev/weft");
    expect(d, "regarding.apiVersion", "gateway.networking.k8s.io/v1");
    expect(d, "regarding.kind", "HTTPRoute");
    expect(d, "regarding.namespace", "shop");
    expect(d, "regarding.name", "web");
    expect(d, "regarding.uid", "u-1");
    struct slice name = doc_string(doc_find(d, "metadata.name"));
    assert_true(slice_starts_with(name, SLICE("web.")));
    assert_int_equal(name.len, strlen("web.") + 16);
    assert_true(doc_string(doc_find(d, "reportingInstance")).len > 0);
    assert_true(slice_starts_with(doc_string(doc_find(d, "eventTime")), SLICE("20")));
}

/* Of what has no namespace, in the one that is always there. */
static void test_without_a_namespace(void **state)
{
    struct kube_event e = refusal();
    e.about.namespace_name = (struct slice){NULL, 0};
    e.uid = (struct slice){NULL, 0};
    e.is_warning = false;
    const struct doc *d = tell(&e, "/apis/events.k8s.io/v1/namespaces/default/events");
    expect(d, "metadata.namespace", "default");
    expect(d, "type", "Normal");
    assert_null(doc_find(d, "regarding.namespace"));
    assert_null(doc_find(d, "regarding.uid"));
}

/* As much as the server takes, in whole characters. */
static void test_long_notes(void **state)
{
    static const struct {
        size_t ascii;   /* bytes before … */
        size_t umlauts; /* … characters of two bytes each */
        size_t want;
    } cases[] = {
        {NOTE_MAX, 0, NOTE_MAX},         {NOTE_MAX + 1, 0, NOTE_MAX},
        {NOTE_MAX - 2, 1, NOTE_MAX},     {NOTE_MAX - 1, 1, NOTE_MAX - 1},
        {NOTE_MAX - 3, 2, NOTE_MAX - 1}, {1, NOTE_MAX, NOTE_MAX - 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char note[3 * NOTE_MAX];
        size_t len = cases[i].ascii;
        memset(note, 'x', len);
        for (size_t k = 0; k < cases[i].umlauts; k++) {
            memcpy(note + len, "\xc3\xa4", 2);
            len += 2;
        }
        struct kube_event e = refusal();
        e.note = slice_of(note, len);
        struct slice got = doc_string(doc_find(tell(&e, SHOP), "note"));
        assert_int_equal(got.len, cases[i].want);
        assert_memory_equal(got.ptr, note, got.len);
    }
}

/* A name of an Event is the object's, cut to make room, and never ends a part oddly. */
static void test_long_names(void **state)
{
    char name[NAME_MAX_LEN + 1];
    memset(name, 'n', sizeof(name));
    memcpy(name + NAME_MAX_LEN - 17 - 3, ".-.", 3);
    struct kube_event e = refusal();
    e.about.name = slice_of(name, NAME_MAX_LEN);
    struct slice got = doc_string(doc_find(tell(&e, SHOP), "metadata.name"));
    assert_int_equal(got.len, NAME_MAX_LEN - 3);
    assert_memory_equal(got.ptr, name, NAME_MAX_LEN - 17 - 3);
    assert_int_equal(got.ptr[NAME_MAX_LEN - 17 - 3], '.');
    memset(name, 'n', sizeof(name));
    e.reason = "Again";
    got = doc_string(doc_find(tell(&e, SHOP), "metadata.name"));
    assert_int_equal(got.len, NAME_MAX_LEN);
}

static void expect_silence(const struct kube_event *e)
{
    size_t before = bed.request_count;
    kube_write_event(bed.client, e);
    kube_bed_turn(&bed);
    assert_int_equal(bed.request_count, before);
}

/* The same is said once an hour; what differs in anything is not the same, but where a cause is
 * given that stands for the note. */
static void test_how_often(void **state)
{
    struct kube_event e = refusal(), other;
    tell(&e, SHOP);
    expect_silence(&e);
    loop_sim_advance(bed.loop, HOUR_MS - 1000);
    expect_silence(&e);
    loop_sim_advance(bed.loop, 1000);
    tell(&e, SHOP);
    for (int i = 0; i < 6; i++) {
        other = refusal();
        if (i == 0)
            other.note = SLICE("it has no backend");
        if (i == 1)
            other.reason = "Broken";
        if (i == 2)
            other.about.name = SLICE("web2");
        if (i == 3)
            other.uid = SLICE("u-2");
        if (i == 4)
            other.is_warning = false;
        if (i == 5)
            other.kind = "GRPCRoute";
        tell(&other, SHOP);
        expect_silence(&other);
        expect_silence(&e);
    }
    e.cause = "Quota";
    tell(&e, SHOP);
    e.note = SLICE("17 of 16");
    expect_silence(&e);
    e.cause = "Other";
    tell(&e, SHOP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_it_says), TEST(test_without_a_namespace), TEST(test_long_notes),
        TEST(test_long_names),   TEST(test_how_often),
    };
    return cmocka_run_group_tests(tests, kube_wire_set_up, kube_wire_tear_down);
}
