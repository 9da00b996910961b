/* Tests of watching a folder: each kind of change, the symlink swap of Kubernetes volumes, a
 * folder that is replaced. Each step waits for the call it causes. One thread, a temporary folder.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/watch.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "tests/unit/lib/io/cmocka_io.h"
#include "tests/unit/lib/io/folder.h"

struct seen {
    struct loop *loop;
    struct watch *watch;
    struct timer settle;
    unsigned calls;
    bool close_it;
};

static void note(void *owner)
{
    struct seen *s = owner;
    s->calls++;
    if (s->close_it)
        watch_close(s->watch);
    loop_stop(s->loop);
}

static void stop_loop(struct timer *t)
{
    loop_stop(t->loop);
}

static void open_it(struct seen *s, const char *path)
{
    memset(s, 0, sizeof(*s));
    s->loop = loop_create();
    timer_init(&s->settle, s->loop, stop_loop);
    assert_int_equal(watch_open(s->loop, path, note, s, &s->watch), ERR_OK);
}

/* Runs until something was told, then lets what came with it pass by. */
static void await(struct seen *s)
{
    loop_run(s->loop);
    assert_true(s->calls > 0);
    timer_start(&s->settle, 50);
    loop_run(s->loop);
    while (timer_is_running(&s->settle))
        loop_run(s->loop);
    s->calls = 0;
}

static void close_it(struct seen *s)
{
    watch_close(s->watch);
    loop_destroy(s->loop);
}

static void test_changes(void **state)
{
    struct folder f;
    struct seen s;
    folder_init(&f);
    open_it(&s, f.path);
    folder_put(&f, "a.yaml", "one");
    await(&s);
    folder_put(&f, "a.yaml", "two");
    await(&s);
    folder_rename(&f, "a.yaml", "b.yaml");
    await(&s);
    assert_int_equal(unlink(folder_at(&f, "b.yaml")), 0);
    await(&s);
    close_it(&s);
    folder_dispose(&f);
}

static void test_gathers(void **state)
{
    struct folder f;
    struct seen s;
    char name[32];
    folder_init(&f);
    open_it(&s, f.path);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "file-%d", i);
        folder_put(&f, name, "text");
    }
    /* All that had happened before the loop looked is one call. */
    loop_run(s.loop);
    assert_int_equal(s.calls, 1);
    timer_start(&s.settle, 60);
    loop_run(s.loop);
    assert_int_equal(s.calls, 1);
    close_it(&s);
    folder_dispose(&f);
}

static void test_symlink_swap(void **state)
{
    struct folder f;
    struct seen s;
    folder_init(&f);
    folder_make(&f, "..v1");
    folder_make(&f, "..v2");
    folder_put(&f, "..v1/p.yaml", "one");
    folder_put(&f, "..v2/p.yaml", "two");
    folder_link(&f, "..data", "..v1");
    folder_link(&f, "p.yaml", "..data/p.yaml");
    open_it(&s, f.path);
    folder_link(&f, "..data_tmp", "..v2");
    await(&s);
    folder_rename(&f, "..data_tmp", "..data");
    await(&s);
    close_it(&s);
    folder_dispose(&f);
}

static void test_folder_replaced(void **state)
{
    struct folder f;
    struct seen s;
    char path[128];
    folder_init(&f);
    folder_make(&f, "live");
    folder_put(&f, "live/old", "x");
    snprintf(path, sizeof(path), "%s", folder_at(&f, "live"));
    log_threshold = LOG_ERROR;
    open_it(&s, path);
    folder_rename(&f, "live", "away");
    folder_put(&f, "away/old", "y");
    await(&s);
    folder_make(&f, "live");
    await(&s);
    /* And the new one is really watched. */
    folder_put(&f, "live/new", "x");
    await(&s);
    log_threshold = LOG_INFO;
    close_it(&s);
    folder_dispose(&f);
}

static void test_close_inside(void **state)
{
    struct folder f;
    struct seen s;
    folder_init(&f);
    open_it(&s, f.path);
    s.close_it = true;
    folder_put(&f, "a", "x");
    loop_run(s.loop);
    assert_int_equal(s.calls, 1);
    loop_destroy(s.loop);
    folder_dispose(&f);
}

static void test_refusals(void **state)
{
    struct folder f;
    struct loop *l = loop_create();
    struct watch *w;
    folder_init(&f);
    folder_put(&f, "file", "x");
    assert_int_equal(watch_open(l, folder_at(&f, "none"), note, NULL, &w), ERR_NOT_FOUND);
    assert_int_equal(watch_open(l, folder_at(&f, "file"), note, NULL, &w), ERR_INVALID);
    loop_destroy(l);
    folder_dispose(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_changes),      cmocka_unit_test(test_gathers),
        cmocka_unit_test(test_symlink_swap), cmocka_unit_test(test_folder_replaced),
        cmocka_unit_test(test_close_inside), cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
