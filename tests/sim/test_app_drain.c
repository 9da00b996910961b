/* The end of a process: what comes in is drained first, and the app's own calls when it has left.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/app_drain.h"

#include "lib/io/loop.h"
#include "lib/io/loop_priv.h"
#include "sidecar/worker/worker.h"
#include "tests/sim/control_world.h"

static bool is_over(const struct world *w)
{
    return w->bed.loop->stop_asked;
}

/* What comes in is drained at once, the app's own calls when its sockets are gone. */
static void drained_when_the_app_has_left(void **state)
{
    struct world *w = control_world_open();
    fakes.has_sockets = true;
    control_world_expect(w, &w->admin, "POST", "/drain", 200, "draining");
    assert_true(w->app.is_draining && !w->app.is_draining_all);
    assert_int_equal(w->sessions_left, 1);
    control_bed_advance(&w->bed, 2000);
    assert_false(w->app.is_draining_all);
    assert_true(w->bed.worker->is_draining && !w->bed.worker->is_draining_out);
    fakes.has_sockets = false; /* between two calls */
    control_bed_advance(&w->bed, 600);
    fakes.has_sockets = true;
    control_bed_advance(&w->bed, 300);
    fakes.has_sockets = false;
    control_bed_advance(&w->bed, 760);
    assert_false(w->app.is_draining_all);
    control_bed_advance(&w->bed, 500);
    assert_true(w->app.is_draining_all);
    assert_false(is_over(w));
    w->sessions_left = 0;
    app_drain_note(&w->app);
    assert_true(is_over(w));
    control_world_close(w);
}

/* An app whose sockets were never seen is given the whole time, and no more. */
static void drained_when_the_time_is_over(void **state)
{
    struct world *w = control_world_open();
    app_drain_leave(&w->app);
    control_bed_advance(&w->bed, 2000);
    app_drain_leave(&w->app); /* told again: the time goes on from where it was */
    control_bed_advance(&w->bed, 2900);
    assert_false(w->app.is_draining_all);
    assert_false(is_over(w));
    control_bed_advance(&w->bed, 300);
    assert_true(is_over(w));
    control_world_close(w);
}

static void drained_at_once(void **state)
{
    for (int how = 0; how < 4; how++) {
        struct world *w = control_world_open();
        fakes.has_sockets = true;
        w->bed.settings->mode = how == 0 ? MODE_INGRESS : MODE_SIDECAR;
        w->bed.settings->native_sidecar = how == 1;
        if (how == 2)
            w->bed.settings->outbound.family = 0;
        if (how == 3)
            control_world_expect(w, &w->admin, "POST", "/quitquitquit", 200, "draining");
        else
            app_drain_leave(&w->app);
        assert_true(w->app.is_draining && w->app.is_draining_all);
        assert_int_equal(w->sessions_left, 1);
        control_bed_turn(&w->bed);
        assert_int_equal(control_bed_sessions_left(&w->bed), 0);
        assert_true(w->bed.worker->is_draining_out);
        assert_false(is_over(w));
        control_bed_advance(&w->bed, 4900);
        app_drain_all(&w->app);
        assert_false(is_over(w));
        control_bed_advance(&w->bed, 300);
        assert_true(is_over(w));
        w->bed.settings->mode = MODE_SIDECAR;
        control_world_close(w);
    }
}

/* First it only says "not ready"; who is told twice does not wait. */
static void drained_after_a_delay(void **state)
{
    for (int again = 0; again < 2; again++) {
        struct world *w = control_world_open();
        w->bed.settings->drain_delay_ms = 1000;
        app_drain_leave(&w->app);
        assert_true(w->app.is_leaving && !w->app.is_draining);
        control_world_expect(w, &w->health, "GET", "/healthz/ready", 503, "draining");
        control_bed_advance(&w->bed, 900);
        assert_false(w->app.is_draining);
        if (again)
            app_drain_leave(&w->app);
        else
            control_bed_advance(&w->bed, 200);
        assert_true(w->app.is_draining);
        control_world_close(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(drained_when_the_app_has_left),
        cmocka_unit_test(drained_when_the_time_is_over),
        cmocka_unit_test(drained_at_once),
        cmocka_unit_test(drained_after_a_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
