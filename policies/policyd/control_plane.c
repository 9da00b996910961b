/* Composition: the world and who feeds it, answers, those who get them, and the listeners. One
 * loop, one thread. Must not know how any of it works. SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/control_plane.h"

#include <signal.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "lib/io/timer.h"
#include "lib/net/idle_memory.h"
#include "policies/policyd/compile_cache.h"
#include "policies/policyd/controller.h"
#include "policies/policyd/discovery_listener.h"
#include "policies/policyd/folder_source.h"
#include "policies/policyd/policyd_pages.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/policyd/object_store.h"

/* What goes out while we stop: the lease, and the last words to data planes. */
enum { STOP_MS = 1000 };

struct control_plane {
    const struct policyd_options *options;
    struct loop *loop;
    struct signals *signals;
    struct object_store *world;
    struct compile_cache *cache;
    struct subscriber_list *subscribers;
    struct discovery_listener *listener;
    struct policyd_pages *pages;
    struct folder_source *folder;  /* one of the two */
    struct controller *controller; /* Kubernetes */
    struct timer stop;
    struct idle_memory memory;
    bool is_stopping;
};

/* ---- what one part has to tell another ---- */

static void on_changed(void *owner, const struct invalidation *reach, uint64_t changed_ns)
{
    struct control_plane *p = owner;
    compile_cache_mark(p->cache, reach);
    subscriber_list_changed(p->subscribers, changed_ns);
}

static void on_touched(void *owner)
{
    struct control_plane *p = owner;
    if (p->controller)
        controller_touched(p->controller);
}

static const struct policy_set *current_set(void *owner)
{
    return object_store_set(((struct control_plane *)owner)->world);
}

static bool is_ready(void *owner)
{
    return object_store_is_ready(((struct control_plane *)owner)->world);
}

static bool is_leader(void *owner)
{
    const struct control_plane *p = owner;
    return p->controller && controller_is_leader(p->controller);
}

static unsigned troubles(void *owner)
{
    const struct control_plane *p = owner;
    return p->controller ? controller_troubles(p->controller) : 0;
}

static uint64_t writes(void *owner)
{
    const struct control_plane *p = owner;
    return p->controller ? controller_writes(p->controller) : 0;
}

/* ---- life ---- */

static void make_parts(struct control_plane *p)
{
    struct slice trust_domain = slice_from_cstr(p->options->trust_domain);
    struct object_store_config world = {p->loop, on_changed, on_touched, p};
    p->world = object_store_create(&world);
    p->cache = compile_cache_create(current_set, p, trust_domain,
                                    slice_from_cstr(p->options->cluster_domain));
    struct subscriber_list_config subscribers = {
        .loop = p->loop,
        .cache = p->cache,
        .set = current_set,
        .is_ready = is_ready,
        .gateway_moved = on_touched,
        .owner = p,
        .trust_domain = trust_domain,
        .needs_pod = !p->options->policy_dir,
        .streams_per_peer = p->options->streams_per_peer,
    };
    p->subscribers = subscriber_list_create(&subscribers);
}

static enum err open_source(struct control_plane *p)
{
    if (p->options->policy_dir)
        return folder_source_open(p->loop, p->options->policy_dir, p->world, &p->folder);
    return controller_open(p->loop, p->options, p->world, p->subscribers, p->listener,
                           &p->controller);
}

static enum err open_pages(struct control_plane *p)
{
    struct policyd_pages_config config = {
        .loop = p->loop,
        .at = p->options->health,
        .world = p->world,
        .cache = p->cache,
        .subscribers = p->subscribers,
        .listener = p->listener,
        .is_leader = is_leader,
        .troubles = troubles,
        .writes = writes,
        .owner = p,
    };
    return config.at.family ? policyd_pages_open(&config, &p->pages) : ERR_OK;
}

static enum err start(struct control_plane *p)
{
    make_parts(p);
    enum err e = discovery_listener_open(p->loop, p->options, p->subscribers, &p->listener);
    if (!e)
        e = open_source(p);
    return e ? e : open_pages(p);
}

static void on_stopped(struct timer *t)
{
    loop_stop(container_of(t, struct control_plane, stop)->loop);
}

static void on_lease_given_back(void *owner)
{
    struct control_plane *p = owner;
    timer_start(&p->stop, 0);
}

/* Data planes are sent away first, so that they find another replica at once. */
static void on_signal(void *owner, int number)
{
    struct control_plane *p = owner;
    if ((number != SIGTERM && number != SIGINT) || p->is_stopping)
        return;
    struct controller *controller = p->controller;
    p->is_stopping = true;
    p->controller = NULL;
    LOG_I("policyd", "stopping");
    subscriber_list_dismiss(p->subscribers);
    timer_start(&p->stop, controller ? STOP_MS : 0);
    if (controller)
        controller_close(controller, on_lease_given_back, p);
}

static void dispose(struct control_plane *p)
{
    timer_stop(&p->stop);
    idle_memory_end(&p->memory);
    policyd_pages_close(p->pages);
    if (p->folder)
        folder_source_close(p->folder);
    if (p->controller)
        controller_close(p->controller, NULL, NULL);
    if (p->listener)
        discovery_listener_close(p->listener);
    subscriber_list_destroy(p->subscribers);
    compile_cache_destroy(p->cache);
    object_store_destroy(p->world);
    if (p->signals)
        signals_close(p->signals);
}

int control_plane_run(const struct policyd_options *options)
{
    struct control_plane p = {.options = options, .loop = loop_create()};
    timer_init(&p.stop, p.loop, on_stopped);
    mem_set_up();
    idle_memory_begin(&p.memory, p.loop, true);
    enum err e = start(&p);
    if (!e) {
        p.signals = signals_open(p.loop, on_signal, &p);
        loop_run(p.loop);
    }
    dispose(&p);
    loop_destroy(p.loop);
    return e ? 1 : 0;
}
