/* Names into addresses: literals without the system, names with it, and questions that nobody wants
 * answered any more. One thread, and libuv's own.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/resolve.h"

#include <string.h>

#include "lib/io/loop.h"
#include "tests/unit/lib/io/cmocka_io.h"

struct asker {
    struct loop *loop;
    enum err e;
    struct addr addrs[RESOLVE_MAX];
    size_t count;
    unsigned answers;
    bool inside; /* resolve_start is running */
};

static void on_answer(void *owner, enum err e, const struct addr *addrs, size_t count,
                      uint32_t ttl_s)
{
    struct asker *a = owner;
    assert_false(a->inside);
    a->answers++;
    a->e = e;
    a->count = count;
    if (count)
        memcpy(a->addrs, addrs, count * sizeof(*addrs));
    loop_stop(a->loop);
}

static struct resolve *ask(struct asker *a, const char *host)
{
    a->inside = true;
    struct resolve *r = resolve_start(a->loop, slice_from_cstr(host), 6443, on_answer, a);
    a->inside = false;
    return r;
}

static struct asker answer_for(const char *host)
{
    struct asker a = {.loop = loop_create()};
    ask(&a, host);
    loop_run(a.loop);
    loop_destroy(a.loop);
    assert_int_equal(a.answers, 1);
    return a;
}

static void test_literals(void **state)
{
    static const struct {
        const char *host, *text;
    } cases[] = {
        {"10.96.0.1", "10.96.0.1:6443"},
        {"::1", "[::1]:6443"},
        {"[::1]", "[::1]:6443"},
        {"::ffff:10.0.0.1", "10.0.0.1:6443"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[ADDR_TEXT_MAX];
        struct asker a = answer_for(cases[i].host);
        assert_int_equal(a.e, ERR_OK);
        assert_int_equal(a.count, 1);
        assert_string_equal(addr_format(&a.addrs[0], text), cases[i].text);
    }
}

static void test_name(void **state)
{
    struct asker a = answer_for("localhost");
    assert_int_equal(a.e, ERR_OK);
    assert_in_range(a.count, 1, RESOLVE_MAX);
    for (size_t i = 0; i < a.count; i++) {
        assert_true(addr_is_loopback(&a.addrs[i]));
        assert_int_equal(a.addrs[i].port, 6443);
    }
}

static void test_no_such_name(void **state)
{
    struct asker a = answer_for("no-such-host.invalid");
    assert_int_equal(a.e, ERR_DNS);
    assert_int_equal(a.count, 0);
}

static void test_what_is_no_name(void **state)
{
    char long_name[300];
    memset(long_name, 'a', sizeof(long_name) - 1);
    long_name[sizeof(long_name) - 1] = '\0';
    assert_int_equal(answer_for("").e, ERR_INVALID);
    assert_int_equal(answer_for(long_name).e, ERR_INVALID);
    assert_int_not_equal(answer_for("10.0.0.1:80").e, ERR_OK);
}

static void test_cancel(void **state)
{
    struct asker a = {.loop = loop_create()}, other = {.loop = a.loop};
    resolve_cancel(ask(&a, "10.0.0.1"));
    resolve_cancel(ask(&a, "localhost"));
    resolve_cancel(ask(&a, ""));
    ask(&other, "localhost");
    loop_run(a.loop);
    assert_int_equal(other.answers, 1);
    /* Under way when its loop ends: that waits for it. */
    struct resolve *late = ask(&a, "no-such-host.invalid");
    resolve_cancel(late);
    loop_destroy(a.loop);
    assert_int_equal(a.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals),     cmocka_unit_test(test_name),
        cmocka_unit_test(test_no_such_name), cmocka_unit_test(test_what_is_no_name),
        cmocka_unit_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
