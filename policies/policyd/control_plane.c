/* Composition: the world and who feeds it, answers, those who get them, and the doors. One loop,
 * one thread. Must not know how any of it works.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/control_plane.h"

#include <signal.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/signals.h"
#include "lib/io/timer.h"
#include "lib/net/idle_memory.h"
#include "policies/policyd/answers.h"
#include "policies/policyd/controller.h"
#include "policies/policyd/discovery_door.h"
#include "policies/policyd/feed_folder.h"
#include "policies/policyd/policyd_pages.h"
#include "policies/policyd/roster.h"
#include "policies/policyd/world.h"

/* What goes out while we stop: the lease, and the last words to data planes. */
enum { STOP_MS = 1000 };

struct control_plane {
    const struct policyd_options *options;
    struct loop *loop;
    struct signals *signals;
    struct world *world;
    struct answers *answers;
    struct roster *roster;
    struct discovery_door *door;
    struct policyd_pages *pages;
    struct feed_folder *folder;    /* one of the two */
    struct controller *controller; /* Kubernetes */
    struct timer stop;
    struct idle_memory memory;
    bool is_stopping;
};

/* ---- what one part has to tell another ---- */

static void on_changed(void *owner, const struct reach *reach, uint64_t changed_ns)
{
    struct control_plane *p = owner;
    answers_mark(p->answers, reach);
    roster_changed(p->roster, changed_ns);
}

static void on_touched(void *owner)
{
    struct control_plane *p = owner;
    if (p->controller)
        controller_touched(p->controller);
}

static const struct policy_set *current_set(void *owner)
{
    return world_set(((struct control_plane *)owner)->world);
}

static bool is_ready(void *owner)
{
    return world_is_ready(((struct control_plane *)owner)->world);
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
    struct world_config world = {p->loop, on_changed, on_touched, p};
    p->world = world_create(&world);
    p->answers = answers_create(current_set, p, trust_domain,
                                slice_from_cstr(p->options->cluster_domain));
    struct roster_config roster = {
        .loop = p->loop,
        .answers = p->answers,
        .set = current_set,
        .is_ready = is_ready,
        .gateway_moved = on_touched,
        .owner = p,
        .trust_domain = trust_domain,
        .needs_pod = !p->options->policy_dir,
        .streams_per_peer = p->options->streams_per_peer,
    };
    p->roster = roster_create(&roster);
}

static enum err open_source(struct control_plane *p)
{
    if (p->options->policy_dir)
        return feed_folder_open(p->loop, p->options->policy_dir, p->world, &p->folder);
    return controller_open(p->loop, p->options, p->world, p->roster, p->door,
                           &p->controller);
}

static enum err open_pages(struct control_plane *p)
{
    struct policyd_pages_config config = {
        .loop = p->loop,
        .at = p->options->health,
        .world = p->world,
        .answers = p->answers,
        .roster = p->roster,
        .door = p->door,
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
    enum err e = discovery_door_open(p->loop, p->options, p->roster, &p->door);
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
    roster_dismiss(p->roster);
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
        feed_folder_close(p->folder);
    if (p->controller)
        controller_close(p->controller, NULL, NULL);
    if (p->door)
        discovery_door_close(p->door);
    roster_destroy(p->roster);
    answers_destroy(p->answers);
    world_destroy(p->world);
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
