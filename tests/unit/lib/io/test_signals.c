/* Tests of process signals on a loop. One thread; the process signals itself.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/signals.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "lib/io/loop.h"
#include "tests/unit/lib/io/cmocka_io.h"

static const int wanted[] = {SIGHUP, SIGUSR1, SIGINT, SIGTERM};

struct seen {
    struct loop *loop;
    struct signals *signals;
    unsigned count[65];
    unsigned total;
};

static void note(void *owner, int number)
{
    struct seen *s = owner;
    s->count[number]++;
    if (++s->total < 4) {
        raise(wanted[s->total]);
        return;
    }
    /* Closing from inside the callback is allowed. */
    signals_close(s->signals);
    loop_stop(s->loop);
}

static void test_signals(void **state)
{
    struct seen s = {.loop = loop_create()};
    s.signals = signals_open(s.loop, note, &s);
    raise(SIGPIPE);
    raise(wanted[0]);
    loop_run(s.loop);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(s.count[wanted[i]], 1);
    /* One that comes late ends nobody. */
    for (size_t i = 0; i < 4; i++)
        raise(wanted[i]);
    loop_destroy(s.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
