/* Asking the health port again and again, for pods whose app must not start before its sidecar and
 * whose Kubernetes does not see to that (a container's postStart hook). Its own small loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/control/wait.h"

#include <stdio.h>
#include <string.h>

#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "sidecar/control/app_call.h"

enum { PAUSE_MS = 100, QUESTION_MS = 2000, TIMEOUT_MS = 60000, PORT = 15021 };

struct wait {
    struct loop *loop;
    struct app_question question;
    struct list calls;
    struct timer pause, deadline;
    bool is_ready;
    char last[128]; /* what the sidecar said, or why it said nothing */
};

static void on_answer(void *owner, struct app_answer *a)
{
    struct wait *w = owner;
    w->is_ready = a->status == 200;
    if (a->status)
        snprintf(w->last, sizeof(w->last), "it answers %u", a->status);
    else
        snprintf(w->last, sizeof(w->last), "%s", a->detail);
    if (w->is_ready)
        loop_stop(w->loop);
    else
        timer_start(&w->pause, PAUSE_MS);
}

static void ask(struct wait *w)
{
    struct app_call_place here = {.loop = w->loop};
    app_call_open(&here, &w->question, &w->calls, on_answer, w);
}

static void on_pause_over(struct timer *t)
{
    ask(container_of(t, struct wait, pause));
}

static void on_deadline(struct timer *t)
{
    loop_stop(container_of(t, struct wait, deadline)->loop);
}

static void run(struct wait *w, uint64_t timeout_ms)
{
    w->loop = loop_create();
    list_init(&w->calls);
    timer_init(&w->pause, w->loop, on_pause_over);
    timer_init(&w->deadline, w->loop, on_deadline);
    timer_start(&w->deadline, timeout_ms);
    ask(w);
    loop_run(w->loop);
    app_call_cancel_all(&w->calls);
    timer_stop(&w->pause);
    timer_stop(&w->deadline);
    loop_destroy(w->loop);
}

static int usage(void)
{
    fprintf(stderr, "Usage: weft-sidecar wait [--timeout DURATION] [--port N]\n"
                    "Waits until this pod's sidecar is ready: 60s at most, health port 15021.\n");
    return 2;
}

int wait_main(int argc, char **argv)
{
    uint64_t timeout_ms = TIMEOUT_MS, port = PORT;
    struct wait w = {.last = "it was not asked"};
    for (int i = 1; i < argc; i += 2) {
        struct slice value = i + 1 < argc ? slice_from_cstr(argv[i + 1]) : SLICE("");
        bool good = false;
        if (!strcmp(argv[i], "--timeout"))
            good = slice_to_duration_ms(value, &timeout_ms) == ERR_OK;
        else if (!strcmp(argv[i], "--port"))
            good = slice_to_u64(value, &port) == ERR_OK && port >= 1 && port <= 65535;
        if (!good)
            return usage();
    }
    w.question = (struct app_question){.kind = APP_CALL_HTTP,
                                       .port = (uint16_t)port,
                                       .timeout_ms = QUESTION_MS,
                                       .path = SLICE("/healthz/ready"),
                                       .body_max = 256};
    run(&w, timeout_ms);
    if (!w.is_ready)
        fprintf(stderr, "weft-sidecar: the sidecar is not ready after %lu ms: %s\n",
                (unsigned long)timeout_ms, w.last);
    return w.is_ready ? 0 : 1;
}
