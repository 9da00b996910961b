/* audit.c: a line for each certificate, whole and on disk, or an error; and after an error
 * everything is as it was.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/audit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/io/file.h"
#include "tests/unit/lib/base/cmocka_base.h"
#include "tests/unit/lib/io/folder.h"

enum { ROTATE_AT = 16 << 20 };

static struct folder dir;
static struct audit *audit;

static int set_up(void **state)
{
    folder_init(&dir);
    return audit_open(dir.path, &audit);
}

static int tear_down(void **state)
{
    audit_close(audit);
    folder_dispose(&dir);
    return 0;
}

static enum err write_line(const char *serial)
{
    struct addr peer;
    assert_int_equal(addr_parse(SLICE("10.0.0.1:5"), &peer), ERR_OK);
    return audit_issued(audit, "spiffe://td/ns/a/sa/b", serial, "svid", &peer, 1000, 61000);
}

static void expect_text(const char *name, const char *text)
{
    char *got;
    size_t len;
    assert_int_equal(file_read(folder_at(&dir, name), 1 << 20, &got, &len), ERR_OK);
    assert_string_equal(got, text);
    mem_free(got);
}

static off_t size_of(const char *name)
{
    struct stat st;
    return stat(folder_at(&dir, name), &st) ? -1 : st.st_size;
}

static void fill_log(void)
{
    assert_int_equal(truncate(folder_at(&dir, "issued.log"), ROTATE_AT), 0);
}

static void limit(int what, rlim_t most)
{
    struct rlimit l;
    assert_int_equal(getrlimit(what, &l), 0);
    l.rlim_cur = most < l.rlim_max ? most : l.rlim_max;
    assert_int_equal(setrlimit(what, &l), 0);
}

#define LINE(serial)                                                                      \
    "{\"time_ms\":1000,\"serial\":\"" serial "\",\"id\":\"spiffe://td/ns/a/sa/b\",\"by\":" \
    "\"svid\",\"peer\":\"10.0.0.1:5\",\"not_after_ms\":61000}\n"

static void test_a_line_for_each(void **state)
{
    assert_int_equal(write_line("1a"), ERR_OK);
    assert_int_equal(write_line("1b"), ERR_OK);
    expect_text("issued.log", LINE("1a") LINE("1b"));
    struct stat st;
    assert_int_equal(stat(folder_at(&dir, "issued.log"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_without_a_folder_there_is_the_log_alone(void **state)
{
    audit_close(audit);
    assert_int_equal(audit_open(NULL, &audit), ERR_OK);
    assert_int_equal(write_line("1a"), ERR_OK);
    assert_int_equal(size_of("issued.log"), 0);
}

static void test_a_full_file_is_put_aside(void **state)
{
    fill_log();
    assert_int_equal(write_line("1a"), ERR_OK);
    assert_int_equal(size_of("issued.log.1"), ROTATE_AT);
    expect_text("issued.log", LINE("1a"));
    assert_int_equal(truncate(folder_at(&dir, "issued.log"), ROTATE_AT - 1), 0);
    assert_int_equal(write_line("1b"), ERR_OK);
    assert_true(size_of("issued.log") > ROTATE_AT);
}

static void test_a_full_file_that_cannot_be_put_aside(void **state)
{
    fill_log();
    folder_make(&dir, "issued.log.1");
    assert_int_not_equal(write_line("1a"), ERR_OK);
    assert_int_not_equal(write_line("1b"), ERR_OK);
    assert_int_equal(size_of("issued.log"), ROTATE_AT);
    assert_int_equal(rmdir(folder_at(&dir, "issued.log.1")), 0);
    assert_int_equal(write_line("1c"), ERR_OK);
    expect_text("issued.log", LINE("1c"));
}

/* The old file is put aside, but there can be no new one: as soon as there can, it goes on. */
static void test_a_new_file_that_is_not_to_be_had(void **state)
{
    fill_log();
    limit(RLIMIT_NOFILE, 0);
    assert_int_not_equal(write_line("1a"), ERR_OK);
    assert_int_not_equal(write_line("1b"), ERR_OK);
    limit(RLIMIT_NOFILE, 1024);
    assert_int_equal(write_line("1c"), ERR_OK);
    assert_int_equal(size_of("issued.log.1"), ROTATE_AT);
    expect_text("issued.log", LINE("1c"));
}

/* A disk that takes half a line has taken nothing. */
static void test_a_disk_that_is_full(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(write_line("1a"), ERR_OK);
    limit(RLIMIT_FSIZE, strlen(LINE("1a")) + 20);
    assert_int_not_equal(write_line("1b"), ERR_OK);
    assert_int_equal(size_of("issued.log"), strlen(LINE("1a")));
    limit(RLIMIT_FSIZE, RLIM_INFINITY);
    assert_int_equal(write_line("1c"), ERR_OK);
    expect_text("issued.log", LINE("1a") LINE("1c"));
}

/* Whoever is next gets the lowest number that is free: the same one when nothing is left open. */
static int next_descriptor(void)
{
    int fd = dup(STDERR_FILENO);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void test_what_is_put_aside_is_closed(void **state)
{
    int before = next_descriptor();
    for (int i = 0; i < 3; i++) {
        fill_log();
        assert_int_equal(write_line("1a"), ERR_OK);
    }
    assert_int_equal(next_descriptor(), before);
    audit_close(audit);
    assert_int_equal(audit_open(NULL, &audit), ERR_OK);
    assert_true(next_descriptor() < before);
}

/* A daemon may be started without standard input: then the log's is the first descriptor. */
static void test_without_standard_input(void **state)
{
    audit_close(audit);
    int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    close(STDIN_FILENO);
    assert_int_equal(audit_open(dir.path, &audit), ERR_OK);
    assert_int_equal(write_line("1a"), ERR_OK);
    fill_log();
    assert_int_equal(write_line("1b"), ERR_OK);
    assert_int_equal(write_line("1c"), ERR_OK);
    audit_close(audit);
    assert_int_equal(next_descriptor(), STDIN_FILENO);
    if (saved >= 0) {
        assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
        close(saved);
    }
    expect_text("issued.log", LINE("1b") LINE("1c"));
    assert_int_equal(audit_open(dir.path, &audit), ERR_OK);
}

static void test_closing(void **state)
{
    audit_close(audit);
    audit_close(NULL);
    assert_int_equal(audit_open(dir.path, &audit), ERR_OK);
}

static void test_a_folder_that_is_not_there(void **state)
{
    struct audit *none;
    assert_int_not_equal(audit_open("/nonexistent/folder", &none), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_a_line_for_each),
        TEST(test_without_a_folder_there_is_the_log_alone),
        TEST(test_a_full_file_is_put_aside),
        TEST(test_a_full_file_that_cannot_be_put_aside),
        TEST(test_a_new_file_that_is_not_to_be_had),
        TEST(test_a_disk_that_is_full),
        TEST(test_what_is_put_aside_is_closed),
        TEST(test_without_standard_input),
        TEST(test_closing),
        TEST(test_a_folder_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
