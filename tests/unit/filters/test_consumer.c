/* The directory of consumers: who is found by what, in whose namespace, and who comes first.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/consumer.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"

enum { MANY = 10000 };

struct one {
    struct consumer consumer;
    struct consumer_credential credentials[2];
};

static void make(struct one *o, const char *id, int64_t created, enum credential_type type,
                 const char *lookup)
{
    *o = (struct one){.consumer = {.id = slice_from_cstr(id), .created = created}};
    o->consumer.credentials = o->credentials;
    o->consumer.credential_count = 1;
    o->credentials[0] = (struct consumer_credential){
        .consumer = &o->consumer, .lookup = slice_from_cstr(lookup), .type = type};
}

static const char *find(const struct consumer_directory *d, const char *scope,
                        enum credential_type type, const char *lookup)
{
    static char id[64];
    struct arena arena;
    arena_init(&arena, 256);
    struct consumer_scope s = consumer_scope_read(&arena, slice_from_cstr(scope));
    const struct consumer_credential *c = consumer_find(d, type, &s, slice_from_cstr(lookup));
    struct slice found = c ? c->consumer->id : SLICE("nobody");
    snprintf(id, sizeof id, "%.*s", SLICE_ARG(found));
    arena_dispose(&arena);
    return id;
}

static void test_who_is_found(void **state)
{
    struct one o[5];
    const struct consumer *all[5];
    make(&o[0], "shop/app", 50, CREDENTIAL_KEY_AUTH, "k1");
    make(&o[1], "shop/ann", 50, CREDENTIAL_BASIC_AUTH, "ann");
    make(&o[2], "evil/ann", 10, CREDENTIAL_BASIC_AUTH, "ann");
    make(&o[3], "bank/ann", 20, CREDENTIAL_BASIC_AUTH, "ann");
    make(&o[4], "bank/app", 20, CREDENTIAL_JWT, "k1");
    for (size_t i = 0; i < 5; i++)
        all[i] = &o[i].consumer;
    struct consumer_directory *d = consumer_directory_create(all, 5);
    assert_int_equal(d->count, 5);
    /* By type, value and namespace, each of which must be right. */
    assert_string_equal(find(d, "shop", CREDENTIAL_KEY_AUTH, "k1"), "shop/app");
    assert_string_equal(find(d, "shop", CREDENTIAL_KEY_AUTH, "k2"), "nobody");
    assert_string_equal(find(d, "shop", CREDENTIAL_JWT, "k1"), "nobody");
    assert_string_equal(find(d, "bank", CREDENTIAL_KEY_AUTH, "k1"), "nobody");
    assert_string_equal(find(d, "bank", CREDENTIAL_JWT, "k1"), "bank/app");
    /* The filter's own namespace comes first, however old the other is. */
    assert_string_equal(find(d, "shop,*", CREDENTIAL_BASIC_AUTH, "ann"), "shop/ann");
    assert_string_equal(find(d, "shop,bank", CREDENTIAL_BASIC_AUTH, "ann"), "shop/ann");
    assert_string_equal(find(d, "bank,shop", CREDENTIAL_BASIC_AUTH, "ann"), "bank/ann");
    /* Then the oldest. */
    assert_string_equal(find(d, "none,*", CREDENTIAL_BASIC_AUTH, "ann"), "evil/ann");
    /* Nobody has said whom it accepts. */
    assert_string_equal(find(d, "", CREDENTIAL_BASIC_AUTH, "ann"), "nobody");
    assert_string_equal(find(NULL, "shop", CREDENTIAL_BASIC_AUTH, "ann"), "nobody");
    mem_free(d);
}

static void test_by_name(void **state)
{
    struct one o[2];
    const struct consumer *all[2];
    struct arena arena;
    make(&o[0], "shop/anonymous", 1, CREDENTIAL_JWT, "a");
    make(&o[1], "bank/anonymous", 1, CREDENTIAL_JWT, "b");
    all[0] = &o[0].consumer;
    all[1] = &o[1].consumer;
    struct consumer_directory *d = consumer_directory_create(all, 2);
    arena_init(&arena, 256);
    struct consumer_scope bank = consumer_scope_read(&arena, SLICE("bank,*"));
    struct consumer_scope none = consumer_scope_read(&arena, SLICE("none"));
    assert_ptr_equal(consumer_find_named(d, &bank, SLICE("anonymous")), all[1]);
    assert_null(consumer_find_named(d, &none, SLICE("anonymous")));
    assert_null(consumer_find_named(d, &bank, SLICE("anonymou")));
    assert_null(consumer_find_named(NULL, &bank, SLICE("anonymous")));
    arena_dispose(&arena);
    mem_free(d);
}

static void test_ten_thousand(void **state)
{
    struct one *o = mem_alloc(MANY * sizeof *o);
    const struct consumer **all = mem_alloc(MANY * sizeof(struct consumer *));
    char(*texts)[2][24] = mem_alloc(MANY * sizeof *texts);
    for (size_t i = 0; i < MANY; i++) {
        snprintf(texts[i][0], sizeof texts[i][0], "shop/c%zu", i);
        snprintf(texts[i][1], sizeof texts[i][1], "key-%zu", i);
        make(&o[i], texts[i][0], 1, CREDENTIAL_KEY_AUTH, texts[i][1]);
        all[i] = &o[i].consumer;
    }
    struct consumer_directory *d = consumer_directory_create(all, MANY);
    for (size_t i = 0; i < MANY; i++)
        assert_string_equal(find(d, "shop", CREDENTIAL_KEY_AUTH, texts[i][1]), texts[i][0]);
    assert_string_equal(find(d, "shop", CREDENTIAL_KEY_AUTH, "key-10000"), "nobody");
    mem_free(d);
    mem_free(texts);
    mem_free(all);
    mem_free(o);
}

static void test_types_have_names(void **state)
{
    assert_string_equal(credential_name(CREDENTIAL_JWT), "jwt");
    for (int i = 0; i < CREDENTIAL_COUNT; i++)
        assert_int_equal(credential_find(slice_from_cstr(credential_name((enum credential_type)i))),
                         i);
    assert_int_equal(credential_find(SLICE("keyauth")), CREDENTIAL_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_found),
        cmocka_unit_test(test_by_name),
        cmocka_unit_test(test_ten_thousand),
        cmocka_unit_test(test_types_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
