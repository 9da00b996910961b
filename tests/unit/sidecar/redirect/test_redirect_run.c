/* Tests of running a command: input, both outputs, exit status, signals, commands that are not
 * there. Starts small programs of the system. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/redirect/redirect_run.h"

#include "lib/base/mem.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

static void shell(struct redirect_run *r, const char *script, struct slice input)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    assert_int_equal(redirect_run_command(r, argv, input), ERR_OK);
}

static void test_talk(void **state)
{
    struct redirect_run r;
    shell(&r, "tr a-z A-Z; echo no >&2; exit 3", SLICE("hello"));
    assert_int_equal(r.status, 3);
    assert_string_equal(r.out, "HELLO");
    assert_string_equal(r.errors, "no\n");
    redirect_run_dispose(&r);
    shell(&r, "exit 0", (struct slice){NULL, 0});
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out, "");
    redirect_run_dispose(&r);
    shell(&r, "kill -9 $$", (struct slice){NULL, 0});
    assert_int_equal(r.status, 128 + 9);
    redirect_run_dispose(&r);
}

/* Far more than a pipe holds, both ways at once. */
static void test_large(void **state)
{
    enum { SIZE = 1000000 };
    struct redirect_run r;
    char *text = mem_alloc(SIZE);
    memset(text, 'x', SIZE);
    shell(&r, "cat", slice_of(text, SIZE));
    assert_int_equal(strlen(r.out), SIZE);
    redirect_run_dispose(&r);
    mem_free(text);
}

/* What nobody would read is not kept: up to 16 MiB is. */
static void test_more_than_is_kept(void **state)
{
    enum { MOST = 16 * 1024 * 1024 };
    struct redirect_run r;
    shell(&r, "head -c 16777216 /dev/zero | tr '\\0' x", SLICE(""));
    assert_int_equal(r.status, 0);
    assert_int_equal(strlen(r.out), MOST);
    redirect_run_dispose(&r);
    shell(&r, "head -c 16777217 /dev/zero | tr '\\0' x", SLICE(""));
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out, "");
    redirect_run_dispose(&r);
}

static void test_absent(void **state)
{
    struct redirect_run r;
    const char *const argv[] = {"no-such-program-anywhere", NULL};
    assert_int_equal(redirect_run_command(&r, argv, SLICE("x")), ERR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talk),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_more_than_is_kept),
        cmocka_unit_test(test_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
