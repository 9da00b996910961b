/* Tests of join tokens and of attestation: once, in time, for one caller.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/join_token.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "certd/attest.h"
#include "lib/base/mem.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

#define ID "spiffe://mesh.example.com/ns/shop/sa/frontend"

static const int64_t now = 1800000000000;

static void open_folder(struct folder *f, char text[JOIN_TOKEN_TEXT_MAX])
{
    folder_init(f);
    assert_int_equal(join_token_prepare(f->path), ERR_OK);
    assert_int_equal(join_token_create(f->path, SLICE(ID), now + 1000, text), ERR_OK);
}

static void check_look(const struct folder *f, const char *text, int64_t at, enum err expected)
{
    char *id;
    assert_int_equal(join_token_look(f->path, slice_from_cstr(text), at, &id), expected);
    if (expected)
        assert_null(id);
    else
        assert_string_equal(id, ID);
    mem_free(id);
}

static void test_once(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX];
    open_folder(&f, text);
    check_look(&f, text, now, ERR_OK);
    check_look(&f, text, now, ERR_OK); /* looking spends nothing */
    assert_int_equal(join_token_use(f.path, slice_from_cstr(text)), ERR_OK);
    assert_int_equal(join_token_use(f.path, slice_from_cstr(text)), ERR_EXISTS);
    check_look(&f, text, now, ERR_EXISTS);
    folder_dispose(&f);
}

static void test_expiry(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX];
    open_folder(&f, text);
    check_look(&f, text, now + 999, ERR_OK);
    check_look(&f, text, now + 1000, ERR_EXPIRED);
    folder_dispose(&f);
}

static void test_unknown(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX];
    open_folder(&f, text);
    size_t last = strlen(text) - 1;
    text[last] = text[last] == '0' ? '1' : '0';
    check_look(&f, text, now, ERR_NOT_FOUND);
    assert_int_equal(join_token_use(f.path, slice_from_cstr(text)), ERR_EXISTS);
    check_look(&f, "", now, ERR_SYNTAX);
    check_look(&f, "weft-join-", now, ERR_SYNTAX);
    check_look(&f, "../../etc/passwd", now, ERR_SYNTAX);
    text[last] = 0;
    check_look(&f, text, now, ERR_SYNTAX);
    folder_dispose(&f);
}

/* The token itself is nowhere in the folder. */
static void test_only_hashes_are_kept(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX];
    open_folder(&f, text);
    DIR *d = opendir(folder_at(&f, "tokens"));
    assert_non_null(d);
    struct dirent *entry;
    unsigned files = 0;
    while ((entry = readdir(d))) {
        files += strlen(entry->d_name) == 64;
        assert_null(strstr(text, entry->d_name));
    }
    closedir(d);
    assert_int_equal(files, 1);
    folder_dispose(&f);
}

static void test_sweep(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX], used[JOIN_TOKEN_TEXT_MAX];
    open_folder(&f, text);
    assert_int_equal(join_token_create(f.path, SLICE(ID), now + 1000, used), ERR_OK);
    assert_int_equal(join_token_use(f.path, slice_from_cstr(used)), ERR_OK);
    assert_int_equal(join_token_sweep(f.path, now + 86400000), 0);
    check_look(&f, used, now, ERR_EXISTS);
    assert_int_equal(join_token_sweep(f.path, now + 2 * 86400000), 2);
    check_look(&f, used, now, ERR_NOT_FOUND);
    folder_dispose(&f);
}

/* ---- attestation */

static void check_attest(const struct attest_request *r, const char *id, const char *method,
                         const char *sentence)
{
    struct attest_result result;
    char why[ATTEST_DETAIL_MAX] = "";
    enum err e = attest_caller(r, &result, why);
    assert_int_equal(e, id ? ERR_OK : ERR_DENIED);
    if (id) {
        assert_string_equal(result.spiffe_id, id);
        assert_string_equal(result.method, method);
    } else {
        if (!strstr(why, sentence))
            fprintf(stderr, "wanted '%s', got '%s'\n", sentence, why);
        assert_non_null(strstr(why, sentence));
        assert_null(result.spiffe_id);
    }
    attest_result_dispose(&result);
}

static void test_attest(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX], header[JOIN_TOKEN_TEXT_MAX + 10];
    struct tls_peer peer = {.spiffe_id = SLICE(ID), .not_after_ms = now + 500},
                    other = {.spiffe_id = SLICE("spiffe://mesh.example.com/ns/shop/sa/other"),
                             .not_after_ms = now + 500};
    open_folder(&f, text);
    snprintf(header, sizeof(header), "Bearer %s", text);
    struct attest_request r = {.state_dir = f.path, .now_ms = now};
    check_attest(&r, NULL, NULL, "neither a token nor a certificate");
    r.authorization = slice_from_cstr(header);
    check_attest(&r, ID, "join-token", NULL);
    r.peer = &peer;
    check_attest(&r, ID, "join-token", NULL);
    r.peer = &other;
    check_attest(&r, NULL, NULL, "name different callers");
    r.authorization = (struct slice){NULL, 0};
    r.peer = &peer;
    check_attest(&r, ID, "svid", NULL);
    r.now_ms = now + 500;
    check_attest(&r, NULL, NULL, "has expired since it connected");
    r.now_ms = now;
    r.authorization = SLICE("Bearer nonsense");
    check_attest(&r, NULL, NULL, "holds no join token");
    r.authorization = slice_from_cstr(text);
    check_attest(&r, NULL, NULL, "holds no join token");
    r.peer = NULL;
    r.authorization = slice_from_cstr(header);
    r.now_ms = now + 1000;
    check_attest(&r, NULL, NULL, "has expired");
    folder_dispose(&f);
}

/* In a cluster a token is what the API server says it is, and nothing before it was asked. */
static void test_attest_reviewed(void **state)
{
    struct tls_peer other = {.spiffe_id = SLICE("spiffe://mesh.example.com/ns/shop/sa/other"),
                             .not_after_ms = now + 500};
    struct attest_request r = {.authorization = SLICE("Bearer a.b.c"), .now_ms = now};
    check_attest(&r, NULL, NULL, "nobody has reviewed");
    r.reviewed_id = ID;
    check_attest(&r, ID, "service-account", NULL);
    r.peer = &other;
    check_attest(&r, NULL, NULL, "name different callers");
}

static void test_commit(void **state)
{
    struct folder f;
    char text[JOIN_TOKEN_TEXT_MAX], header[JOIN_TOKEN_TEXT_MAX + 10], why[ATTEST_DETAIL_MAX];
    struct tls_peer peer = {.spiffe_id = SLICE(ID), .not_after_ms = now + 500};
    struct attest_result a, b;
    open_folder(&f, text);
    snprintf(header, sizeof(header), "bearer  %s", text);
    struct attest_request r = {
        .state_dir = f.path, .now_ms = now, .authorization = slice_from_cstr(header)};
    assert_int_equal(attest_caller(&r, &a, why), ERR_OK);
    assert_int_equal(attest_caller(&r, &b, why), ERR_OK);
    assert_int_equal(attest_commit(&r, &a, why), ERR_OK);
    assert_int_equal(attest_commit(&r, &b, why), ERR_DENIED);
    assert_non_null(strstr(why, "used before"));
    attest_result_dispose(&a);
    attest_result_dispose(&b);
    r.authorization = (struct slice){NULL, 0};
    r.peer = &peer;
    assert_int_equal(attest_caller(&r, &a, why), ERR_OK);
    assert_int_equal(attest_commit(&r, &a, why), ERR_OK);
    assert_int_equal(attest_commit(&r, &a, why), ERR_OK);
    attest_result_dispose(&a);
    folder_dispose(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_only_hashes_are_kept),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_attest),
        cmocka_unit_test(test_attest_reviewed),
        cmocka_unit_test(test_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
