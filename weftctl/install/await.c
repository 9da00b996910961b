/* A watch that ends as soon as its owner has seen enough. Main thread; blocking.
 * Must not know what is waited for.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/install/await.h"

#include <stdio.h>

#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_watch.h"
#include "weftctl/say.h"

struct wait {
    struct loop *loop;
    struct timer timer;
    await_fn is_done; /* NULL: until it is gone */
    void *owner;
    bool is_there;
    bool done;
};

static void finish(struct wait *w)
{
    w->done = true;
    loop_stop(w->loop);
}

static void on_begin(void *owner)
{
    struct wait *w = owner;
    w->is_there = false;
}

static void on_put(void *owner, const struct doc *object)
{
    struct wait *w = owner;
    w->is_there = true;
    if (!w->done && w->is_done && w->is_done(w->owner, object))
        finish(w);
}

static void on_delete(void *owner, const struct doc *object)
{
    struct wait *w = owner;
    (void)object;
    if (!w->is_done)
        finish(w);
}

static void on_synced(void *owner)
{
    struct wait *w = owner;
    if (!w->is_done && !w->is_there)
        finish(w);
}

/* Anything else may pass. */
static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct wait *w = owner;
    if (status != 403 && status != 404)
        return;
    say_error("%.*s", SLICE_ARG(detail));
    loop_stop(w->loop);
}

static void on_time(struct timer *t)
{
    loop_stop(container_of(t, struct wait, timer)->loop);
}

bool await_objects(struct api *a, const char *path, struct slice selectors, uint32_t timeout_ms,
                   await_fn is_done, void *owner)
{
    static const struct kube_watch_events events = {.on_begin = on_begin,
                                                    .on_put = on_put,
                                                    .on_delete = on_delete,
                                                    .on_synced = on_synced,
                                                    .on_trouble = on_trouble};
    struct wait w = {.loop = api_loop(a), .is_done = is_done, .owner = owner};
    struct kube_watch_config config = {.path = path, .selectors = selectors};
    timer_init(&w.timer, w.loop, on_time);
    timer_start(&w.timer, timeout_ms);
    struct kube_watch *watch = kube_watch_open(api_client(a), &config, &events, &w);
    loop_run(w.loop);
    kube_watch_close(watch);
    timer_stop(&w.timer);
    return w.done;
}

bool await_gone(struct api *a, const char *path, struct slice selectors, uint32_t timeout_ms)
{
    return await_objects(a, path, selectors, timeout_ms, NULL, NULL);
}
