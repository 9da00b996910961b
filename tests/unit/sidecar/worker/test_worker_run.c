/* A worker in a thread of its own: it serves until it is told to stop, hears what it is told in the
 * order it is told, and its last words reach the log. A Gateway without listeners: no sockets.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/mailbox.h"
#include "sidecar/config/snapshot.h"
#include "sidecar/control/app.h"
#include "sidecar/control/settings.h"
#include "sidecar/worker/worker.h"
#include "tests/unit/sidecar/cmocka_sidecar.h"

/* ---- the process around it, in the place of sidecar/control/app.c */

struct app {
    struct settings settings;
    struct mailbox *mailbox;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_listening, is_listening_ok;
    uint64_t adopted;
    unsigned drains;
    pthread_t thread; /* who told last */
};

const struct settings *app_settings(const struct app *app)
{
    return &app->settings;
}

struct mailbox *app_mailbox(const struct app *app)
{
    return app->mailbox;
}

struct work_pool *app_work(const struct app *app)
{
    (void)app;
    return NULL;
}

static void tell(struct app *app)
{
    app->thread = pthread_self();
    pthread_cond_broadcast(&app->told);
    pthread_mutex_unlock(&app->lock);
}

void app_note_listening(struct app *app, struct worker *w, bool ok)
{
    (void)w;
    pthread_mutex_lock(&app->lock);
    app->is_listening = true;
    app->is_listening_ok = ok;
    tell(app);
}

void app_note_adopted(struct app *app, struct worker *w, uint64_t snapshot_version)
{
    (void)w;
    pthread_mutex_lock(&app->lock);
    app->adopted = snapshot_version;
    tell(app);
}

void app_note_interest(struct app *app, struct worker *w, const struct addr *to, bool wanted)
{
    (void)app, (void)w, (void)to, (void)wanted;
}

void app_note_news(struct app *app, struct worker *w, const void *what)
{
    (void)app, (void)w, (void)what;
}

void app_note_sessions(struct app *app, struct worker *w, uint32_t left)
{
    (void)w;
    LOG_I("test", "%u sessions are left", left);
    pthread_mutex_lock(&app->lock);
    app->drains++;
    tell(app);
}

/* ---- the test's side */

struct world {
    struct app app;
    struct worker worker;
    struct loop *loop; /* the control thread's */
    pthread_t thread;
    struct snapshot_builder *builder;
};

static struct snapshot *build(struct world *w)
{
    static const Weft__Config__V1__Configuration empty = WEFT__CONFIG__V1__CONFIGURATION__INIT;
    struct snapshot *made;
    char detail[256] = "";
    if (snapshot_build(w->builder, &empty, &made, detail) != ERR_OK)
        fail_msg("%s", detail);
    return made;
}

static void *run(void *worker)
{
    worker_run(worker);
    return NULL;
}

static void start(struct world *w)
{
    static char label[] = "default/front", domain[] = "cluster.local", space[] = "default",
                account[] = "front";
    *w = (struct world){.loop = loop_create(), .builder = snapshot_builder_create()};
    w->app.settings = (struct settings){.mode = MODE_INGRESS,
                                        .source_label = label,
                                        .trust_domain = domain,
                                        .namespace_name = space,
                                        .service_account = account,
                                        .gateway = account,
                                        .workers = 1};
    w->app.mailbox = mailbox_open(w->loop);
    pthread_mutex_init(&w->app.lock, NULL);
    pthread_cond_init(&w->app.told, NULL);
    struct snapshot *first = build(w);
    worker_init(&w->worker, &w->app, 0, first);
    snapshot_unref(first);
    assert_int_equal(pthread_create(&w->thread, NULL, run, &w->worker), 0);
}

static void end(struct world *w)
{
    mailbox_close(w->app.mailbox);
    loop_stop(w->loop);
    loop_run(w->loop);
    loop_destroy(w->loop);
    snapshot_builder_destroy(w->builder);
    pthread_cond_destroy(&w->app.told);
    pthread_mutex_destroy(&w->app.lock);
}

/* Until that is so. */
#define AWAIT(w, condition)                                    \
    do {                                                       \
        pthread_mutex_lock(&(w)->app.lock);                    \
        while (!(condition))                                   \
            pthread_cond_wait(&(w)->app.told, &(w)->app.lock); \
        pthread_mutex_unlock(&(w)->app.lock);                  \
    } while (0)

struct visitor {
    struct worker_visit visit;
    struct loop *loop;
    pthread_t there, back;
    uint64_t version;
};

static void visit(struct worker_visit *v)
{
    struct visitor *self = container_of(v, struct visitor, visit);
    self->there = pthread_self();
    self->version = snapshot_version(worker_snapshot(v->worker));
}

static void done(struct worker_visit *v)
{
    struct visitor *self = container_of(v, struct visitor, visit);
    self->back = pthread_self();
    loop_stop(self->loop);
}

static void test_it_hears_what_it_is_told(void **state)
{
    struct world w;
    start(&w);
    AWAIT(&w, w.app.is_listening);
    assert_true(w.app.is_listening_ok);
    assert_false(pthread_equal(w.app.thread, pthread_self()));
    struct snapshot *next = build(&w);
    uint64_t version = snapshot_version(next);
    struct visitor visitor = {.visit = {.visit = visit, .done = done}, .loop = w.loop};
    worker_post_snapshot(&w.worker, next);
    snapshot_unref(next);
    worker_post_visit(&w.worker, &visitor.visit);
    loop_run(w.loop);
    assert_int_equal(visitor.version, version);
    assert_true(pthread_equal(visitor.there, w.thread));
    assert_true(pthread_equal(visitor.back, pthread_self()));
    AWAIT(&w, w.app.adopted == version);
    worker_post_drain(&w.worker, false);
    AWAIT(&w, w.app.drains == 1);
    worker_post_stop(&w.worker);
    pthread_join(w.thread, NULL);
    assert_int_equal(w.app.drains, 2);
    end(&w);
}

/* No two of them make the same request ids. */
static void test_workers_differ(void **state)
{
    uint64_t first[4];
    for (int i = 0; i < 4; i++) {
        struct world w;
        start(&w);
        AWAIT(&w, w.app.is_listening);
        struct rand_state copy = w.worker.rand;
        first[i] = rand_next(&copy);
        for (int k = 0; k < i; k++)
            assert_true(first[k] != first[i]);
        worker_post_stop(&w.worker);
        pthread_join(w.thread, NULL);
        end(&w);
    }
}

static void test_its_last_words(void **state)
{
    struct world w;
    int ends[2], saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    char text[4096];
    fflush(NULL);
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    start(&w);
    AWAIT(&w, w.app.is_listening);
    worker_post_stop(&w.worker);
    pthread_join(w.thread, NULL);
    ssize_t n = read(ends[0], text, sizeof(text) - 1);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[0]);
    close(ends[1]);
    assert_true(n > 0);
    text[n] = '\0';
    assert_non_null(strstr(text, "info test: 0 sessions are left\n"));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_hears_what_it_is_told),
        cmocka_unit_test(test_workers_differ),
        cmocka_unit_test(test_its_last_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
