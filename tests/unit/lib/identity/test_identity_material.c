/* Certificates at rest: which are refused and in what words, and what files hold after they were
 * saved. Temporary folders. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/identity/identity_material.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"
#include "tests/unit/lib/tls/pki.h"

static struct pki pki;
static struct folder folder;

static int set_up(void **state)
{
    pki_init(&pki);
    folder_init(&folder);
    return 0;
}

static int tear_down(void **state)
{
    folder_dispose(&folder);
    pki_dispose(&pki);
    return 0;
}

static struct identity_material ours(void)
{
    struct pki_leaf leaf = pki_svid(&pki, PKI_CLIENT_ID);
    return (struct identity_material){
        .key_pem = leaf.key, .chain_pem = leaf.chain, .roots_pem = mem_strdup(pki.root)};
}

static enum err check(struct identity_material *m, const char *id, int64_t at, char *detail)
{
    memset(detail, 0, TLS_DETAIL_MAX);
    return identity_material_check(m, id, at, detail);
}

static void test_what_is_ours_is_good_until_its_last_millisecond(void **state)
{
    char detail[TLS_DETAIL_MAX];
    struct identity_material m = ours();
    assert_int_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_OK);
    assert_string_equal(detail, "");
    assert_true(m.not_before_ms <= pki.now_ms && m.not_after_ms > pki.now_ms);
    assert_int_equal(check(&m, PKI_CLIENT_ID, m.not_after_ms - 1, detail), ERR_OK);
    assert_string_equal(detail, "");
    assert_int_equal(check(&m, PKI_CLIENT_ID, m.not_after_ms, detail), ERR_EXPIRED);
    assert_string_equal(detail, "the certificate has expired");
    identity_material_dispose(&m);
    assert_null(m.key_pem);
    assert_null(m.chain_pem);
    assert_int_equal(m.not_after_ms, 0);
}

static void test_what_is_not_ours_is_named(void **state)
{
    char detail[TLS_DETAIL_MAX];
    struct identity_material m = ours();
    assert_int_equal(check(&m, PKI_SERVER_ID, pki.now_ms, detail), ERR_DENIED);
    assert_string_equal(detail, "the certificate is for " PKI_CLIENT_ID
                                ", this workload is " PKI_SERVER_ID);
    /* Whose it is comes before how old it is. */
    assert_int_equal(check(&m, PKI_SERVER_ID, m.not_after_ms, detail), ERR_DENIED);
    mem_free(m.chain_pem);
    m.chain_pem = mem_strdup(pki.root);
    assert_int_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_DENIED);
    assert_string_equal(detail, "the certificate is for no SPIFFE ID, this workload is "
                                PKI_CLIENT_ID);
    mem_free(m.chain_pem);
    /* An intermediate's ID is its trust domain's; a CA is no workload even there. */
    m.chain_pem = mem_strdup(pki.mid);
    assert_int_equal(check(&m, "spiffe://" PKI_DOMAIN, pki.now_ms, detail), ERR_DENIED);
    mem_free(m.chain_pem);
    m.chain_pem = mem_strdup("nothing");
    assert_int_not_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_OK);
    assert_non_null(strstr(detail, "the certificate cannot be read: "));
    identity_material_dispose(&m);
}

/* Whatever root vouches for it, as long as one in the list does; and no clock is asked. */
static void test_what_the_roots_do_not_vouch_for_is_refused(void **state)
{
    char detail[TLS_DETAIL_MAX];
    struct pki other;
    pki_init(&other);
    struct identity_material m = ours();
    mem_free(m.roots_pem);
    m.roots_pem = mem_printf("%s%s", other.root, pki.root);
    assert_int_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_OK);
    mem_free(m.roots_pem);
    m.roots_pem = mem_strdup(other.root);
    assert_int_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_UNTRUSTED);
    assert_non_null(strstr(detail, "does not chain to the roots in force (1)"));
    mem_free(m.roots_pem);
    m.roots_pem = mem_strdup("no roots at all");
    assert_int_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_INVALID);
    mem_free(m.roots_pem);
    /* A chain that lacks its intermediate. */
    m.roots_pem = mem_strdup(pki.root);
    *(strstr(m.chain_pem + 1, "-----BEGIN")) = 0;
    assert_int_equal(check(&m, PKI_CLIENT_ID, pki.now_ms, detail), ERR_UNTRUSTED);
    identity_material_dispose(&m);
    pki_dispose(&other);
}

static void test_saved_it_comes_back_and_is_for_us_alone(void **state)
{
    char dir[200], path[220];
    struct stat st;
    struct identity_material m = ours(), back;
    snprintf(dir, sizeof dir, "%s", folder_at(&folder, "below/identity"));
    assert_int_equal(identity_material_save(&m, dir), ERR_OK);
    static const char *const names[] = {"", "/identity.pem", "/roots.pem"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", dir, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, i ? 0600 : 0700);
    }
    assert_int_equal(identity_material_load(&back, dir), ERR_OK);
    /* The same but for blank lines. */
    assert_int_equal(strncmp(back.key_pem, m.key_pem, strlen(m.key_pem) - 1), 0);
    assert_non_null(strstr(back.chain_pem, m.chain_pem));
    assert_null(strstr(back.chain_pem, "PRIVATE"));
    assert_string_equal(back.roots_pem, m.roots_pem);
    identity_material_dispose(&back);

    folder_put(&folder, "below/identity/identity.pem", m.chain_pem); /* no key in front */
    assert_int_equal(identity_material_load(&back, dir), ERR_SYNTAX);
    assert_null(back.key_pem);
    assert_null(back.chain_pem);
    folder_put(&folder, "below/identity/identity.pem", "");
    assert_int_equal(identity_material_load(&back, dir), ERR_SYNTAX);
    identity_material_dispose(&m);
    assert_int_equal(identity_material_load(&back, "/nowhere/at/all"), ERR_NOT_FOUND);
    assert_null(back.roots_pem);
}

static void test_a_folder_that_cannot_be_is_told(void **state)
{
    char dir[200];
    struct identity_material m = ours();
    folder_put(&folder, "file", "");
    snprintf(dir, sizeof dir, "%s", folder_at(&folder, "file/identity"));
    assert_int_not_equal(identity_material_save(&m, dir), ERR_OK);
    /* The roots cannot be replaced: the certificate that goes with them is not written. */
    folder_make(&folder, "taken");
    folder_make(&folder, "taken/roots.pem");
    folder_put(&folder, "taken/roots.pem/x", "");
    snprintf(dir, sizeof dir, "%s", folder_at(&folder, "taken"));
    assert_int_not_equal(identity_material_save(&m, dir), ERR_OK);
    struct stat st;
    assert_int_not_equal(stat(folder_at(&folder, "taken/identity.pem"), &st), 0);
    identity_material_dispose(&m);
}

static void test_read_from_three_files_all_of_them_are_wanted(void **state)
{
    char path[3][200];
    static const char *const names[] = {"key", "chain", "roots"};
    for (size_t i = 0; i < 3; i++) {
        folder_put(&folder, names[i], names[i]);
        snprintf(path[i], sizeof path[i], "%s", folder_at(&folder, names[i]));
    }
    struct identity_material m;
    assert_int_equal(identity_material_read(&m, path[0], path[1], path[2]), ERR_OK);
    assert_string_equal(m.key_pem, "key");
    assert_string_equal(m.chain_pem, "chain");
    assert_string_equal(m.roots_pem, "roots");
    identity_material_dispose(&m);
    for (size_t i = 0; i < 3; i++) {
        const char *use[3] = {path[0], path[1], path[2]};
        use[i] = "/nowhere/at/all";
        assert_int_equal(identity_material_read(&m, use[0], use[1], use[2]), ERR_NOT_FOUND);
        assert_null(m.key_pem);
        assert_null(m.chain_pem);
        assert_null(m.roots_pem);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_ours_is_good_until_its_last_millisecond),
        TEST(test_what_is_not_ours_is_named),
        TEST(test_what_the_roots_do_not_vouch_for_is_refused),
        TEST(test_saved_it_comes_back_and_is_for_us_alone),
        TEST(test_a_folder_that_cannot_be_is_told),
        TEST(test_read_from_three_files_all_of_them_are_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
