/* Tests of whole files: limits, atomic replacement, folders, listing. One thread, a temporary
 * folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/folder.h"

static void test_read(void **state)
{
    struct folder f;
    char *data;
    size_t len;
    folder_init(&f);
    folder_put(&f, "empty", "");
    folder_put(&f, "ten", "0123456789");
    assert_int_equal(file_read(folder_at(&f, "empty"), 0, &data, &len), ERR_OK);
    assert_int_equal(len, 0);
    assert_string_equal(data, "");
    mem_free(data);
    assert_int_equal(file_read(folder_at(&f, "ten"), 10, &data, &len), ERR_OK);
    assert_int_equal(len, 10);
    assert_string_equal(data, "0123456789");
    mem_free(data);
    assert_int_equal(file_read(folder_at(&f, "ten"), 9, &data, &len), ERR_LIMIT);
    assert_int_equal(file_read(folder_at(&f, "none"), 9, &data, &len), ERR_NOT_FOUND);
    assert_int_equal(file_read(f.path, 9, &data, &len), ERR_INVALID);
    folder_dispose(&f);
}

static void test_large(void **state)
{
    struct folder f;
    char *text = mem_alloc(1000001), *data;
    size_t len;
    folder_init(&f);
    for (int i = 0; i < 1000000; i++)
        text[i] = (char)('a' + i % 23);
    text[1000000] = '\0';
    assert_int_equal(file_write_atomic(folder_at(&f, "big"), text, 1000000, 0644), ERR_OK);
    assert_int_equal(file_read(folder_at(&f, "big"), 1000000, &data, &len), ERR_OK);
    assert_int_equal(len, 1000000);
    assert_string_equal(data, text);
    mem_free(data);
    assert_int_equal(file_read(folder_at(&f, "big"), 999999, &data, &len), ERR_LIMIT);
    mem_free(text);
    folder_dispose(&f);
}

/* A program that was started without a standard input reads all the same; nothing stays open. */
static void test_descriptors(void **state)
{
    struct folder f;
    char *data;
    size_t len;
    int input = dup(STDIN_FILENO);
    folder_init(&f);
    folder_put(&f, "ten", "0123456789");
    (void)close(STDIN_FILENO);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(file_read(folder_at(&f, "ten"), i ? 9 : 10, &data, &len),
                         i ? ERR_LIMIT : ERR_OK);
        if (i == 0)
            assert_string_equal(data, "0123456789");
        if (i == 0)
            mem_free(data);
        assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    }
    assert_int_equal(file_write_atomic(folder_at(&f, "ten"), "x", 1, 0600), ERR_OK);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), -1);
    if (input >= 0) {
        assert_int_equal(dup2(input, STDIN_FILENO), STDIN_FILENO);
        close(input);
    }
    folder_dispose(&f);
}

/* What another call left in errno means nothing for one that went well. */
static void test_old_errors(void **state)
{
    struct folder f;
    char *data;
    size_t len;
    folder_init(&f);
    errno = EINTR;
    assert_int_equal(file_write_atomic(folder_at(&f, "ten"), "0123456789", 10, 0644), ERR_OK);
    errno = EINTR;
    assert_int_equal(file_read(folder_at(&f, "ten"), 10, &data, &len), ERR_OK);
    assert_int_equal(len, 10);
    mem_free(data);
    folder_dispose(&f);
}

static void count(void *owner, const char *path)
{
    (void)path;
    ++*(int *)owner;
}

static void test_write_atomic(void **state)
{
    static const char *const any[] = {"", NULL};
    struct folder f;
    struct stat st;
    char *data;
    size_t len;
    int files = 0;
    folder_init(&f);
    assert_int_equal(file_write_atomic(folder_at(&f, "key"), "one", 3, 0600), ERR_OK);
    assert_int_equal(stat(folder_at(&f, "key"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_false(file_is_exposed(folder_at(&f, "key")));
    assert_int_equal(file_write_atomic(folder_at(&f, "key"), "second", 6, 0644), ERR_OK);
    assert_int_equal(file_read(folder_at(&f, "key"), 100, &data, &len), ERR_OK);
    assert_string_equal(data, "second");
    mem_free(data);
    assert_int_equal(file_list(f.path, any, count, &files), ERR_OK);
    assert_int_equal(files, 1);
    /* A failure leaves what was there, and nothing beside it. */
    folder_make(&f, "dir");
    folder_put(&f, "dir/file", "x");
    assert_int_not_equal(file_write_atomic(folder_at(&f, "dir"), "x", 1, 0644), ERR_OK);
    assert_int_equal(file_write_atomic(folder_at(&f, "no/such"), "x", 1, 0644), ERR_NOT_FOUND);
    assert_int_equal(unlink(folder_at(&f, "dir/file")), 0);
    assert_int_equal(rmdir(folder_at(&f, "dir")), 0);
    assert_int_equal(unlink(folder_at(&f, "key")), 0);
    assert_int_equal(rmdir(f.path), 0);
}

static void test_make_dirs(void **state)
{
    struct folder f;
    struct stat st;
    folder_init(&f);
    assert_int_equal(file_make_dirs(folder_at(&f, "a/b/c"), 0755), ERR_OK);
    assert_int_equal(file_make_dirs(folder_at(&f, "a/b/c/"), 0755), ERR_OK);
    assert_int_equal(stat(folder_at(&f, "a/b/c"), &st), 0);
    assert_true(S_ISDIR(st.st_mode));
    folder_put(&f, "a/file", "x");
    assert_int_equal(file_make_dirs(folder_at(&f, "a/file"), 0755), ERR_EXISTS);
    assert_int_not_equal(file_make_dirs(folder_at(&f, "a/file/b"), 0755), ERR_OK);
    folder_dispose(&f);
}

enum { NAMES_MAX = 256 };

static void collect(void *owner, const char *path)
{
    char *names = owner;
    size_t used = strlen(names);
    snprintf(names + used, NAMES_MAX - used, "%s ", strrchr(path, '/') + 1);
}

static void test_list(void **state)
{
    static const char *const yaml[] = {".yaml", ".yml", NULL};
    struct folder f;
    char names[NAMES_MAX] = "";
    folder_init(&f);
    folder_put(&f, "b.yaml", "");
    folder_put(&f, "a.yml", "");
    folder_put(&f, "Z.yaml", "");
    folder_put(&f, "c.txt", "");
    folder_put(&f, ".hidden.yaml", "");
    folder_make(&f, "dir.yaml");
    folder_link(&f, "link.yaml", "b.yaml");
    folder_link(&f, "dangling.yaml", "nowhere");
    assert_int_equal(file_list(f.path, yaml, collect, names), ERR_OK);
    assert_string_equal(names, "Z.yaml a.yml b.yaml dangling.yaml link.yaml ");
    assert_int_equal(file_list(folder_at(&f, "none"), yaml, collect, names), ERR_NOT_FOUND);
    folder_dispose(&f);
}

static void test_has_name(void **state)
{
    struct folder f;
    folder_init(&f);
    folder_put(&f, "here", "");
    char target[512];
    snprintf(target, sizeof(target), "%s", folder_at(&f, "nowhere"));
    assert_int_equal(symlink(target, folder_at(&f, "link")), 0);
    assert_true(file_has_name(folder_at(&f, "here")));
    assert_true(file_has_name(folder_at(&f, "link")));
    assert_false(file_has_name(folder_at(&f, "nowhere")));
    folder_dispose(&f);
}

static void test_exposed(void **state)
{
    struct folder f;
    folder_init(&f);
    folder_put(&f, "key", "secret");
    static const struct {
        mode_t mode;
        bool exposed, public;
    } rows[] = {{0600, false, false}, {0400, false, false}, {0620, false, false},
                {0640, true, false},  {0604, true, true},   {0644, true, true}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(chmod(folder_at(&f, "key"), rows[i].mode), 0);
        assert_int_equal(file_is_exposed(folder_at(&f, "key")), rows[i].exposed);
        assert_int_equal(file_is_public(folder_at(&f, "key")), rows[i].public);
    }
    assert_false(file_is_exposed(folder_at(&f, "none")));
    folder_dispose(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),         cmocka_unit_test(test_large),
        cmocka_unit_test(test_write_atomic), cmocka_unit_test(test_make_dirs),
        cmocka_unit_test(test_list),         cmocka_unit_test(test_has_name),
        cmocka_unit_test(test_exposed),      cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_old_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
