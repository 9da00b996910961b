/* Tests of the CA's state folder: made once, loaded again, refused when it must not be used.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/ca_folder.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "lib/tls/x509.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

static const int64_t now = 1800000000000, day = 86400000;
static char why[CA_DETAIL_MAX];

static int set_up(void **state)
{
    return tls_lib_init();
}

static struct ca_config config_of(const struct folder *f)
{
    return (struct ca_config){f->path, "mesh.example.com", (uint64_t)(365 * day),
                              (uint64_t)(90 * day)};
}

static enum err open_at(const struct folder *f, int64_t at, struct ca *ca)
{
    struct ca_config config = config_of(f);
    why[0] = 0;
    return ca_folder_open(&config, at, ca, why);
}

static void check_refused(const struct folder *f, int64_t at, const char *sentence)
{
    struct ca ca;
    enum err e = open_at(f, at, &ca);
    if (!e || !strstr(why, sentence))
        fprintf(stderr, "wanted '%s', got '%s'\n", sentence, why);
    assert_int_not_equal(e, ERR_OK);
    assert_non_null(strstr(why, sentence));
    assert_null(ca.signer);
}

static void test_made_once(void **state)
{
    struct folder f;
    struct ca first, second;
    struct stat st;
    folder_init(&f);
    assert_int_equal(open_at(&f, now, &first), ERR_OK);
    assert_int_equal(first.bundle_version, 1);
    assert_int_equal(stat(folder_at(&f, "root.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(folder_at(&f, "intermediate.key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(open_at(&f, now + day, &second), ERR_OK);
    assert_string_equal(first.bundle_pem, second.bundle_pem);
    assert_string_equal(first.signer_pem, second.signer_pem);
    assert_int_equal(second.bundle_version, 1);
    ca_close(&first);
    ca_close(&second);
    folder_dispose(&f);
}

static void test_intermediate_is_replaced_in_time(void **state)
{
    struct folder f;
    struct ca first, second;
    folder_init(&f);
    assert_int_equal(open_at(&f, now, &first), ERR_OK);
    assert_true(first.replace_at_ms > now + 59 * day && first.replace_at_ms < now + 61 * day);
    assert_int_equal(open_at(&f, first.replace_at_ms - 1000, &second), ERR_OK);
    assert_string_equal(first.signer_pem, second.signer_pem);
    ca_close(&second);
    assert_int_equal(open_at(&f, first.replace_at_ms, &second), ERR_OK);
    assert_string_not_equal(first.signer_pem, second.signer_pem);
    assert_string_equal(first.bundle_pem, second.bundle_pem);
    assert_int_equal(second.bundle_version, 1);
    ca_close(&first);
    ca_close(&second);
    folder_dispose(&f);
}

/* With the root's key taken away, the intermediate serves until its end and not beyond. */
static void test_offline_root(void **state)
{
    struct folder f;
    struct ca ca;
    folder_init(&f);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    ca_close(&ca);
    assert_int_equal(unlink(folder_at(&f, "root.key")), 0);
    assert_int_equal(open_at(&f, now + 80 * day, &ca), ERR_OK);
    assert_int_equal(ca.replace_at_ms, 0);
    ca_close(&ca);
    check_refused(&f, now + 91 * day, "intermediate.pem: this certificate has expired");
    assert_int_equal(unlink(folder_at(&f, "intermediate.key")), 0);
    check_refused(&f, now, "no root.key to make one with");
    folder_dispose(&f);
}

static void test_refused(void **state)
{
    struct folder f;
    struct ca ca;
    folder_init(&f);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    ca_close(&ca);
    check_refused(&f, now + 366 * day, "root.pem: this certificate has expired");
    check_refused(&f, now - day, "not valid yet; check the clock");
    assert_int_equal(chmod(folder_at(&f, "intermediate.key"), 0640), 0);
    check_refused(&f, now, "intermediate.key: group or others may read");
    assert_int_equal(chmod(folder_at(&f, "intermediate.key"), 0600), 0);
    assert_int_equal(chmod(folder_at(&f, "root.key"), 0604), 0);
    check_refused(&f, now, "root.key: group or others may read");
    assert_int_equal(chmod(folder_at(&f, "root.key"), 0600), 0);
    assert_int_equal(chmod(f.path, 0770), 0);
    check_refused(&f, now, "group or others may write here");
    assert_int_equal(chmod(f.path, 0700), 0);
    struct ca_config other = config_of(&f);
    other.trust_domain = "other.example.com";
    assert_int_equal(ca_folder_open(&other, now, &ca, why), ERR_INVALID);
    assert_non_null(strstr(why, "not for the trust domain other.example.com"));
    folder_put(&f, "root.pem", "garbage");
    check_refused(&f, now, "root.pem: not a readable certificate");
    assert_int_equal(unlink(folder_at(&f, "root.pem")), 0);
    check_refused(&f, now, "an intermediate.pem but no root.pem");
    folder_dispose(&f);
}

/* To the millisecond: from the first one that a certificate says to the one before its last. */
static void test_dates_are_kept_exactly(void **state)
{
    struct folder f;
    struct ca ca;
    struct x509_facts root, signer;
    char *root_pem;
    size_t len;
    folder_init(&f);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    assert_int_equal(file_read(folder_at(&f, "root.pem"), 65536, &root_pem, &len), ERR_OK);
    assert_int_equal(x509_read(slice_from_cstr(root_pem), &root), ERR_OK);
    assert_int_equal(x509_read(slice_from_cstr(ca.signer_pem), &signer), ERR_OK);
    mem_free(root_pem);
    ca_close(&ca);
    check_refused(&f, root.not_before_ms - 1, "root.pem: this certificate is not valid yet");
    assert_int_equal(open_at(&f, root.not_before_ms, &ca), ERR_OK);
    ca_close(&ca);
    check_refused(&f, root.not_after_ms, "root.pem: this certificate has expired");
    assert_int_equal(unlink(folder_at(&f, "root.key")), 0);
    assert_int_equal(open_at(&f, signer.not_after_ms - 1, &ca), ERR_OK);
    ca_close(&ca);
    check_refused(&f, signer.not_after_ms, "intermediate.pem: this certificate has expired");
    x509_facts_dispose(&root);
    x509_facts_dispose(&signer);
    folder_dispose(&f);
}

static void test_foreign_key(void **state)
{
    struct folder f, g;
    struct ca ca;
    char *text;
    size_t len;
    folder_init(&f);
    folder_init(&g);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    ca_close(&ca);
    assert_int_equal(open_at(&g, now, &ca), ERR_OK);
    ca_close(&ca);
    assert_int_equal(file_read(folder_at(&g, "intermediate.key"), 10000, &text, &len), ERR_OK);
    assert_int_equal(file_write_atomic(folder_at(&f, "intermediate.key"), text, len, 0600), ERR_OK);
    mem_free(text);
    check_refused(&f, now, "does not belong to the private key");
    folder_dispose(&f);
    folder_dispose(&g);
}

/* A crash between taking the old intermediate away and writing the new one. */
static void test_half_replaced(void **state)
{
    struct folder f;
    struct ca ca;
    folder_init(&f);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    ca_close(&ca);
    assert_int_equal(unlink(folder_at(&f, "intermediate.pem")), 0);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    assert_non_null(ca.signer);
    ca_close(&ca);
    folder_dispose(&f);
}

static void test_more_roots(void **state)
{
    struct folder f, g;
    struct ca ca, other;
    folder_init(&f);
    folder_init(&g);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    assert_int_equal(open_at(&g, now, &other), ERR_OK);
    char *both = mem_printf("%s%s", ca.bundle_pem, other.bundle_pem);
    char *first = mem_strdup(ca.root_pem);
    ca_close(&ca);
    ca_close(&other);
    folder_put(&f, "root.pem", both);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    assert_int_equal(ca.bundle_version, 2);
    assert_string_equal(ca.bundle_pem, both);
    assert_string_equal(ca.root_pem, first);
    ca_close(&ca);
    assert_int_equal(open_at(&f, now, &ca), ERR_OK);
    assert_int_equal(ca.bundle_version, 2);
    ca_close(&ca);
    mem_free(both);
    mem_free(first);
    folder_dispose(&f);
    folder_dispose(&g);
}

/* Roots are read by the real time: what has expired is none. */
static void test_another_mesh(void **state)
{
    struct folder f, g;
    struct ca ca, other;
    folder_init(&f);
    folder_init(&g);
    assert_int_equal(open_at(&f, clock_wall_ms(), &ca), ERR_OK);
    assert_int_equal(open_at(&g, clock_wall_ms(), &other), ERR_OK);
    char *both = mem_printf("%s%s", ca.bundle_pem, other.bundle_pem);
    struct slice all = slice_from_cstr(both), one = slice_from_cstr(ca.bundle_pem);
    assert_true(ca_is_another_mesh(one, slice_from_cstr(other.bundle_pem)));
    assert_false(ca_is_another_mesh(one, one));
    assert_false(ca_is_another_mesh(one, all));
    assert_false(ca_is_another_mesh(all, one));
    /* What cannot be read bears witness of nothing. */
    assert_false(ca_is_another_mesh(SLICE("broken"), one));
    assert_false(ca_is_another_mesh(SLICE(""), one));
    mem_free(both);
    ca_close(&ca);
    ca_close(&other);
    folder_dispose(&f);
    folder_dispose(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_once),
        cmocka_unit_test(test_another_mesh),
        cmocka_unit_test(test_intermediate_is_replaced_in_time),
        cmocka_unit_test(test_offline_root),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_dates_are_kept_exactly),
        cmocka_unit_test(test_foreign_key),
        cmocka_unit_test(test_half_replaced),
        cmocka_unit_test(test_more_roots),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
