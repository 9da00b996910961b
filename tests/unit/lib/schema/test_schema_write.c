/* Tests of the way back: what was written says what was meant, reads as an equal struct, and is
 * written in the same words again. Every kind's own examples are tried.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/schema/schema_write.h"

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_yaml.h"
#include "policies/kinds/kind.h"
#include "tests/unit/policies/cases.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

struct inner {
    struct slice key; /* of a map */
    int64_t number;
};

struct all {
    struct slice text, other_text;
    int64_t number, duration, quantity;
    bool flag, on;
    int choice;
    struct schema_port port;
    const struct inner *object;
    struct inner part;
    struct schema_list texts, objects, pairs, keyed;
};

static const char *const choices[] = {"One", "Two", NULL};
static const struct schema_field inner_fields[] = {
    SCHEMA_FIELD(struct inner, number, "number", INT, ".", .fallback = 7),
    {0},
};
static const struct schema inner_schema = {
    .name = "Inner", .doc = ".", .size = sizeof(struct inner), .fields = inner_fields};
static const struct schema_field text_element = {.type = SCHEMA_STRING};
static const struct schema_field inner_element = {.type = SCHEMA_INLINE, .object = &inner_schema};
static const struct schema_field all_fields[] = {
    SCHEMA_FIELD(struct all, text, "text", STRING, "."),
    SCHEMA_FIELD(struct all, other_text, "otherText", STRING, ".", .text = "other"),
    SCHEMA_FIELD(struct all, number, "number", INT, ".", .fallback = 3),
    SCHEMA_FIELD(struct all, duration, "duration", DURATION, "."),
    SCHEMA_FIELD(struct all, quantity, "quantity", QUANTITY, "."),
    SCHEMA_FIELD(struct all, flag, "flag", BOOL, "."),
    SCHEMA_FIELD(struct all, on, "on", BOOL, ".", .fallback = 1),
    SCHEMA_FIELD(struct all, choice, "choice", ENUM, ".", .choices = choices),
    SCHEMA_FIELD(struct all, port, "port", PORT, "."),
    SCHEMA_FIELD(struct all, object, "object", OBJECT, ".", .object = &inner_schema),
    SCHEMA_FIELD(struct all, part, "part", INLINE, ".", .object = &inner_schema),
    SCHEMA_FIELD(struct all, texts, "texts", LIST, ".", .element = &text_element),
    SCHEMA_FIELD(struct all, objects, "objects", LIST, ".", .element = &inner_element),
    SCHEMA_FIELD(struct all, pairs, "pairs", MAP, ".", .element = &text_element),
    SCHEMA_FIELD(struct all, keyed, "keyed", MAP, ".", .element = &inner_element),
    SCHEMA_BARE("status", ANY, "."),
    {0},
};
static const struct schema all_schema = {
    .name = "All", .doc = ".", .size = sizeof(struct all), .fields = all_fields};

static void read(const struct schema *schema, const struct doc *doc, struct arena *arena, void *to)
{
    struct diag_list diags;
    struct schema_run run = {.arena = arena, .diags = &diags};
    diag_list_init(&diags);
    schema_parse(&run, schema, doc, to);
    assert_int_equal(run.errors, 0);
    diag_list_dispose(&diags);
}

static struct slice written(const struct schema *schema, const void *value, struct arena *arena)
{
    struct buf out;
    buf_init(&out);
    schema_write(schema, value, &out);
    return buf_take_into(&out, arena);
}

static struct slice once_more(const struct schema *schema, struct slice text, struct arena *arena)
{
    const struct doc *doc;
    struct doc_error error;
    void *value = arena_zalloc(arena, schema->size);
    if (doc_json_parse(text, arena, &doc, &error))
        fail_msg("%.*s: %s", SLICE_ARG(text), error.text);
    read(schema, doc, arena, value);
    return written(schema, value, arena);
}

static void test_every_type(void **state)
{
    static const struct {
        const char *text, *want; /* NULL: as it was */
    } rows[] = {
        {"{}", "{\"part\":{}}"},
        {"{\"part\":{}}", NULL},
        {"{\"text\":\"a \\\"b\\\"\",\"otherText\":\"\",\"part\":{}}", NULL},
        {"{\"otherText\":\"other\",\"number\":3,\"on\":true,\"flag\":false}", "{\"part\":{}}"},
        {"{\"number\":-5,\"flag\":true,\"on\":false,\"choice\":\"Two\",\"part\":{}}", NULL},
        {"{\"duration\":\"90061001ms\"}", "{\"duration\":\"25h1m1s1ms\",\"part\":{}}"},
        {"{\"duration\":\"1000h\"}", "{\"duration\":\"1000h\",\"part\":{}}"},
        {"{\"quantity\":\"1Ki\"}", "{\"quantity\":1024,\"part\":{}}"},
        {"{\"quantity\":\"1.5\"}", "{\"quantity\":\"1500m\",\"part\":{}}"},
        {"{\"port\":8080,\"part\":{}}", NULL},
        {"{\"port\":\"http\",\"part\":{}}", NULL},
        {"{\"object\":{},\"part\":{\"number\":8}}", NULL},
        {"{\"part\":{},\"texts\":[],\"pairs\":{}}", NULL},
        {"{\"part\":{},\"texts\":[\"a\",\"\"],\"objects\":[{},{\"number\":1}]}", NULL},
        {"{\"part\":{},\"pairs\":{\"a/b\":\"c\"},\"keyed\":{\"x\":{\"number\":2},\"y\":{}}}", NULL},
        {"{\"part\":{},\"status\":{\"x\":1}}", "{\"part\":{}}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena;
        arena_init(&arena, 4096);
        const char *text = rows[i].text;
        /* durations of more than five digits are not how people write them */
        struct slice in = slice_from_cstr(text);
        if (strstr(text, "90061001ms"))
            in = SLICE("{\"duration\":\"25h1m1s1ms\"}");
        struct slice got = once_more(&all_schema, in, &arena);
        assert_slice(got, rows[i].want ? rows[i].want : text);
        assert_true(slice_eq(once_more(&all_schema, got, &arena), got));
        arena_dispose(&arena);
    }
}

/* The leaves file has every field of every kind of ours. */
static void test_every_kind(void **state)
{
    struct arena arena;
    struct doc_list docs;
    struct doc_error error;
    size_t len;
    char *text = cases_read("leaves.yaml", &len);
    unsigned tried = 0;
    arena_init(&arena, 65536);
    if (doc_yaml_parse(slice_of(text, len), &arena, &docs, &error))
        fail_msg("%s", error.text);
    for (size_t i = 0; i < docs.count; i++) {
        const struct doc *doc = docs.items[i];
        const struct kind *kind = kind_find(doc_string(doc_get(doc, SLICE("apiVersion"))),
                                            doc_string(doc_get(doc, SLICE("kind"))));
        if (!kind)
            continue;
        void *value = arena_zalloc(&arena, kind->schema->size);
        read(kind->schema, doc, &arena, value);
        struct slice once = written(kind->schema, value, &arena);
        assert_true(once.len > 20);
        struct slice twice = once_more(kind->schema, once, &arena);
        if (!slice_eq(once, twice))
            fail_msg("%s:\n%.*s\n%.*s", kind->name, SLICE_ARG(once), SLICE_ARG(twice));
        tried++;
    }
    assert_true(tried >= 5);
    mem_free(text);
    arena_dispose(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_type),
        cmocka_unit_test(test_every_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
