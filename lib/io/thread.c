/* A named thread. It blocks the signals that signals.c catches (and all others but the synchronous
 * ones), so that they land on the main thread and interrupt no worker's system call. Must
 * not know what it runs.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/io/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/uv_err.h"

enum { NAME_MAX_WITH_NUL = 16 };

struct thread {
    uv_thread_t id;
    char name[NAME_MAX_WITH_NUL];
    void (*run)(void *arg);
    void *arg;
};

static void begin(void *arg)
{
    struct thread *t = arg;
    pthread_setname_np(pthread_self(), t->name);
    t->run(t->arg);
}

static void block_signals(sigset_t *before)
{
    sigset_t blocked;
    sigfillset(&blocked);
    sigdelset(&blocked, SIGSEGV);
    sigdelset(&blocked, SIGBUS);
    sigdelset(&blocked, SIGFPE);
    sigdelset(&blocked, SIGILL);
    sigdelset(&blocked, SIGABRT);
    sigdelset(&blocked, SIGTRAP);
    sigdelset(&blocked, SIGPROF);
    pthread_sigmask(SIG_SETMASK, &blocked, before);
}

struct thread *thread_start(const char *name, void (*run)(void *arg), void *arg)
{
    struct thread *t = mem_zalloc(sizeof(*t));
    snprintf(t->name, sizeof(t->name), "%s", name);
    t->run = run;
    t->arg = arg;
    /* The new thread inherits the mask, so no signal can slip in before it sets its own. */
    sigset_t before;
    block_signals(&before);
    int status = uv_thread_create(&t->id, begin, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status < 0) {
        LOG_E("thread", "cannot start %s: %s", name, uv_err_text(status));
        abort();
    }
    return t;
}

void thread_join(struct thread *t)
{
    uv_thread_join(&t->id);
    mem_free(t);
}
