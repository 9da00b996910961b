/* Tests of the CA in a Secret: what is read, what is refused, what is written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_secret.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "tests/unit/lib/base/cmocka_base.h"

static char why[CA_DETAIL_MAX];

static enum err read_text(const char *text, struct ca_material *out)
{
    struct arena arena;
    const struct doc *doc;
    struct doc_error error;
    arena_init(&arena, 4096);
    assert_int_equal(doc_json_parse(slice_from_cstr(text), &arena, &doc, &error), ERR_OK);
    enum err e = ca_secret_read(doc, out, why);
    arena_dispose(&arena);
    return e;
}

static void test_read(void **state)
{
    struct ca_material m;
    assert_int_equal(read_text("{\"data\":{\"root.pem\":\"cm9vdA==\",\"root.key\":\"\","
                               "\"intermediate.pem\":\"bWlk\",\"bundle.version\":\"MQ==\","
                               "\"note\":\"!\"}}",
                               &m),
                     ERR_OK);
    assert_string_equal(m.root_pem, "root");
    assert_null(m.root_key);
    assert_string_equal(m.signer_pem, "mid");
    assert_null(m.signer_key);
    assert_string_equal(m.version, "1");
    ca_material_dispose(&m);
    assert_int_equal(read_text("{}", &m), ERR_OK);
    assert_null(m.root_pem);
}

static void test_refused(void **state)
{
    struct ca_material m;
    assert_int_equal(read_text("{\"data\":{\"root.pem\":\"cm9vdA==\",\"root.key\":\"%\"}}", &m),
                     ERR_SYNTAX);
    assert_non_null(strstr(why, "root.key"));
    assert_null(m.root_pem);
    assert_int_equal(read_text("{\"data\":{\"root.pem\":7}}", &m), ERR_SYNTAX);
    /* A NUL would hide what follows it. */
    assert_int_equal(read_text("{\"data\":{\"root.pem\":\"YQBi\"}}", &m), ERR_SYNTAX);
}

static void check_written(struct buf *out, const char *expected)
{
    char text[512] = "";
    assert_true(out->len < sizeof(text));
    buf_copy_out(out, text, out->len);
    buf_dispose(out);
    assert_string_equal(text, expected);
}

static void test_written(void **state)
{
    struct ca_material m = {.root_pem = (char *)"R\n", .signer_key = (char *)"K"};
    struct ca_secret_note note = {0};
    struct buf out;
    buf_init(&out);
    ca_secret_write(SLICE("weft-system"), SLICE("weft-ca"), &m, &note, &out);
    check_written(&out, "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"namespace\":"
                        "\"weft-system\",\"name\":\"weft-ca\",\"labels\":"
                        "{\"app.kubernetes.io/managed-by\":\"weft-certd\"}},\"type\":\"Opaque\","
                        "\"stringData\":{\"root.pem\":\"R\\n\",\"intermediate.key\":\"K\"}}");
    ca_secret_write_patch(SLICE("42"), &m, &note, &out);
    check_written(&out, "{\"metadata\":{\"resourceVersion\":\"42\"},\"stringData\":"
                        "{\"root.pem\":\"R\\n\",\"intermediate.key\":\"K\"}}");
    note = (struct ca_secret_note){"lost", 1767312000000};
    m = (struct ca_material){0};
    ca_secret_write_patch(SLICE("42"), &m, &note, &out);
    check_written(&out, "{\"metadata\":{\"resourceVersion\":\"42\",\"annotations\":"
                        "{\"weft.dev/root-replaced\":\"lost\",\"weft.dev/root-replaced-at\":"
                        "\"2026-01-02T00:00:00.000000Z\"}},\"stringData\":{}}");
}

static struct ca_secret_note note_of(const char *annotations)
{
    struct arena arena;
    struct doc_error error;
    const struct doc *secret;
    struct ca_secret_note note;
    char *text = mem_printf("{\"metadata\":{\"annotations\":%s}}", annotations);
    arena_init(&arena, 4096);
    assert_int_equal(doc_json_parse(slice_from_cstr(text), &arena, &secret, &error), ERR_OK);
    ca_secret_read_note(secret, &note);
    arena_dispose(&arena);
    mem_free(text);
    return note;
}

static void test_the_note(void **state)
{
    struct ca_secret_note note =
        note_of("{\"weft.dev/root-replaced\":\"reinstalled\","
                "\"weft.dev/root-replaced-at\":\"2026-01-02T00:00:00.000000Z\"}");
    assert_string_equal(note.how, "reinstalled");
    assert_int_equal(note.at_ms, 1767312000000);
    note = note_of("{\"weft.dev/root-replaced\":\"what?\"}");
    assert_string_equal(note.how, "lost");
    assert_int_equal(note.at_ms, 0);
    assert_null(note_of("{\"weft.dev/root-replaced-at\":\"x\"}").how);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_the_note),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
