/* The client, the feed, the lease, and what only the leader does. On the loop's thread. Must not
 * know what is written.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/controller.h"

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/kube/kube_client.h"
#include "lib/kube/kube_entry.h"
#include "lib/kube/kube_lease.h"
#include "policies/policyd/discovery_door.h"
#include "policies/policyd/feed_kube.h"
#include "policies/policyd/gateway_keeper.h"
#include "policies/policyd/roster.h"
#include "policies/policyd/status_writer.h"
#include "policies/policyd/world.h"

#define LEASE_NAME "weft-policyd"

struct controller {
    struct loop *loop;
    struct kube_client *client;
    struct feed_kube *feed;
    struct kube_lease *lease;
    struct kube_entry *trust; /* the trust bundle, which a mounted file shows later */
    struct discovery_door *door;
    struct gateway_keeper *keeper;
    struct roster *roster;
    struct status_writer *status;
    bool is_leader;
    struct loop_task grave;
    void (*done)(void *owner);
    void *owner;
};

static void describe_gateway(void *owner, const struct object *gateway, struct status_gateway *out)
{
    struct controller *c = owner;
    gateway_keeper_describe(c->keeper, gateway, out);
}

static bool is_busy(void *owner)
{
    return roster_is_busy(((struct controller *)owner)->roster);
}

static void on_lease(void *owner, bool is_leader)
{
    struct controller *c = owner;
    c->is_leader = is_leader;
    LOG_I("controller",
          is_leader ? "this replica writes statuses now" : "another replica writes statuses");
    controller_touched(c);
}

void controller_touched(struct controller *c)
{
    gateway_keeper_set_active(c->keeper, c->is_leader);
    status_writer_set_active(c->status, c->is_leader);
}

/* The fate of a Gateway's data plane is part of its status. */
static void on_gateway_moved(void *owner)
{
    struct controller *c = owner;
    status_writer_set_active(c->status, c->is_leader);
}

static void on_trust(void *owner, struct slice text)
{
    discovery_door_trust(((struct controller *)owner)->door, text);
}

static enum err make_client(struct controller *c, const struct policyd_options *o)
{
    struct kube_config config;
    char detail[KUBE_DETAIL_MAX];
    enum err e = kube_config_load(o->kubeconfig, &config, detail);
    if (e) {
        LOG_E("controller", "no way to the API server: %s", detail);
        return e;
    }
    LOG_I("controller", "the API server is %s:%u", config.host, config.port);
    c->client = kube_client_create(c->loop, &config);
    return ERR_OK;
}

static void free_controller(struct loop_task *task)
{
    mem_free(container_of(task, struct controller, grave));
}

enum err controller_open(struct loop *l, const struct policyd_options *o, struct world *world,
                         struct roster *roster, struct discovery_door *door,
                         struct controller **out)
{
    struct controller *c = mem_zalloc(sizeof *c);
    c->loop = l;
    loop_task_init(&c->grave, free_controller);
    enum err e = make_client(c, o);
    if (e) {
        mem_free(c);
        return e;
    }
    struct gateway_keeper_config keeper = {l, c->client, o, world, roster, on_gateway_moved, c};
    struct status_writer_config status = {l, c->client, world, describe_gateway, is_busy, c};
    struct kube_lease_config lease = {.namespace_name = slice_from_cstr(o->namespace_name),
                                      .name = SLICE(LEASE_NAME),
                                      .holder = slice_from_cstr(o->pod)};
    c->roster = roster;
    c->keeper = gateway_keeper_open(&keeper);
    c->status = status_writer_open(&status);
    c->feed = feed_kube_open(l, c->client, world);
    c->lease = kube_lease_open(c->client, &lease, on_lease, c);
    c->door = door;
    if (o->certd_address)
        c->trust = kube_entry_open(c->client, slice_from_cstr(o->namespace_name),
                                   "weft-trust-bundle", "ca.crt", on_trust, c);
    *out = c;
    return ERR_OK;
}

static void on_lease_closed(void *owner)
{
    struct controller *c = owner;
    kube_client_destroy(c->client);
    loop_bury(c->loop, &c->grave);
    if (c->done)
        c->done(c->owner);
}

void controller_close(struct controller *c, void (*done)(void *owner), void *owner)
{
    c->done = done;
    c->owner = owner;
    kube_entry_close(c->trust);
    feed_kube_close(c->feed);
    status_writer_close(c->status);
    gateway_keeper_close(c->keeper);
    kube_lease_close(c->lease, on_lease_closed, c);
}

bool controller_is_leader(const struct controller *c)
{
    return c->is_leader;
}

unsigned controller_troubles(const struct controller *c)
{
    return feed_kube_troubles(c->feed);
}

uint64_t controller_writes(const struct controller *c)
{
    return status_writer_count(c->status);
}
