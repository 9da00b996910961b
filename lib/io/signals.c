/* Process signals as callbacks on one loop. SIGPIPE is ignored: a write to a closed peer is an
 * error of that write. On the loop's thread. Must not know what a signal means to the program.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/signals.h"

#include <signal.h>
#include <stddef.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop_priv.h"
#include "lib/io/uv_err.h"

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };

struct signals {
    uv_signal_t handles[COUNT];
    size_t open; /* handles that libuv still holds */
    signals_fn on_signal;
    void *owner;
};

static void on_raised(uv_signal_t *handle, int number)
{
    struct signals *s = handle->data;
    s->on_signal(s->owner, number);
}

struct signals *signals_open(struct loop *l, signals_fn on_signal, void *owner)
{
    struct signals *s = mem_zalloc(sizeof(*s));
    s->on_signal = on_signal;
    s->owner = owner;
    s->open = COUNT;
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < COUNT; i++) {
        uv_signal_init(&l->uv, &s->handles[i]);
        s->handles[i].data = s;
        int status = uv_signal_start(&s->handles[i], on_raised, numbers[i]);
        if (status < 0)
            LOG_E("signals", "cannot catch signal %d: %s", numbers[i], uv_err_text(status));
    }
    return s;
}

static void on_closed(uv_handle_t *handle)
{
    struct signals *s = handle->data;
    if (--s->open == 0)
        mem_free(s);
}

/* libuv gives a signal back to the system, for which it is the program's death. */
void signals_close(struct signals *s)
{
    sigset_t ours, before;
    sigemptyset(&ours);
    for (size_t i = 0; i < COUNT; i++)
        sigaddset(&ours, numbers[i]);
    pthread_sigmask(SIG_BLOCK, &ours, &before);
    for (size_t i = 0; i < COUNT; i++) {
        uv_close((uv_handle_t *)&s->handles[i], on_closed);
        signal(numbers[i], SIG_IGN);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
