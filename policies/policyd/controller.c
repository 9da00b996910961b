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
#include "policies/policyd/discovery_listener.h"
#include "policies/policyd/kube_source.h"
#include "policies/policyd/gateway_controller.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/policyd/status_writer.h"
#include "policies/policyd/object_store.h"

#define LEASE_NAME "weft-policyd"

struct controller {
    struct loop *loop;
    struct kube_client *client;
    struct kube_source *feed;
    struct kube_lease *lease;
    struct kube_entry *trust; /* the trust bundle, which a mounted file shows later */
    struct discovery_listener *listener;
    struct gateway_controller *controller;
    struct subscriber_list *subscribers;
    struct status_writer *status;
    bool is_leader;
    struct loop_task grave;
    void (*done)(void *owner);
    void *owner;
};

static void describe_gateway(void *owner, const struct object *gateway, struct status_gateway *out)
{
    struct controller *c = owner;
    gateway_controller_describe(c->controller, gateway, out);
}

static bool is_busy(void *owner)
{
    return subscriber_list_is_busy(((struct controller *)owner)->subscribers);
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
    gateway_controller_set_active(c->controller, c->is_leader);
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
    discovery_listener_trust(((struct controller *)owner)->listener, text);
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

enum err controller_open(struct loop *l, const struct policyd_options *o,
                         struct object_store *world, struct subscriber_list *subscribers,
                         struct discovery_listener *listener, struct controller **out)
{
    struct controller *c = mem_zalloc(sizeof *c);
    c->loop = l;
    loop_task_init(&c->grave, free_controller);
    enum err e = make_client(c, o);
    if (e) {
        mem_free(c);
        return e;
    }
    struct gateway_controller_config controller = {l,           c->client,        o, world,
                                                   subscribers, on_gateway_moved, c};
    struct status_writer_config status = {l, c->client, world, describe_gateway, is_busy, c,
                                          subscriber_list_cache(subscribers)};
    struct kube_lease_config lease = {.namespace_name = slice_from_cstr(o->namespace_name),
                                      .name = SLICE(LEASE_NAME),
                                      .holder = slice_from_cstr(o->pod)};
    c->subscribers = subscribers;
    c->controller = gateway_controller_open(&controller);
    c->status = status_writer_open(&status);
    c->feed = kube_source_open(l, c->client, world);
    c->lease = kube_lease_open(c->client, &lease, on_lease, c);
    c->listener = listener;
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
    kube_source_close(c->feed);
    status_writer_close(c->status);
    gateway_controller_close(c->controller);
    kube_lease_close(c->lease, on_lease_closed, c);
}

bool controller_is_leader(const struct controller *c)
{
    return c->is_leader;
}

unsigned controller_troubles(const struct controller *c)
{
    return kube_source_troubles(c->feed);
}

uint64_t controller_writes(const struct controller *c)
{
    return status_writer_count(c->status);
}
