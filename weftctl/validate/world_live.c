/* Lists of every kind at once, one object at a time into a policy_store, as policyd has it. Main
 * thread; blocking. Must not know what is done with them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/validate/world_live.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/kube/kube_watch.h"
#include "policies/store/policy_store.h"
#include "weftctl/api.h"
#include "weftctl/say.h"

/* One kind that is being listed. */
struct listing {
    struct world_live *world;
    const struct kind *kind;
    struct kube_watch *watch;
    bool is_done;
};

struct world_live {
    struct policy_store *store;
    struct api *api;
    struct listing listings[KIND_COUNT];
    char *namespace_name;
    size_t waiting;
    bool is_broken;
    bool is_partial;
};

static void finish(struct listing *l)
{
    if (l->is_done)
        return;
    l->is_done = true;
    if (--l->world->waiting == 0)
        loop_stop(api_loop(l->world->api));
}

static void on_begin(void *owner)
{
    struct listing *l = owner;
    policy_store_begin(l->world->store, l->kind);
}

static void on_put(void *owner, const struct doc *object)
{
    struct listing *l = owner;
    if (kind_is_wanted(l->kind, object))
        policy_store_put(l->world->store, l->kind, object);
}

static void on_delete(void *owner, const struct doc *object)
{
    struct listing *l = owner;
    policy_store_remove(l->world->store, l->kind,
                        doc_string(doc_find(object, "metadata.namespace")),
                        doc_string(doc_find(object, "metadata.name")));
}

static void on_synced(void *owner)
{
    struct listing *l = owner;
    policy_store_end(l->world->store, l->kind);
    finish(l);
}

/* A kind that is not installed has no objects; one that we may not read is worth a word. */
static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct listing *l = owner;
    if (status == 403) {
        say_error("without %ss: %.*s", l->kind->name, SLICE_ARG(detail));
        l->world->is_partial = true;
    } else if (status != 404) {
        if (!l->world->is_broken)
            say_error("%.*s", SLICE_ARG(detail));
        l->world->is_broken = true;
        loop_stop(api_loop(l->world->api));
        return;
    }
    finish(l);
}

static void open_listing(struct listing *l)
{
    static const struct kube_watch_events events = {.on_begin = on_begin,
                                                    .on_put = on_put,
                                                    .on_delete = on_delete,
                                                    .on_synced = on_synced,
                                                    .on_trouble = on_trouble};
    struct kube_watch_config config = {0};
    config.selectors = slice_from_cstr(l->kind->selectors);
    config.path = kind_path(l->kind);
    l->watch = kube_watch_open(api_client(l->world->api), &config, &events, l);
}

static void close_listings(struct world_live *w)
{
    for (size_t i = 0; i < KIND_COUNT; i++) {
        kube_watch_close(w->listings[i].watch);
    }
}

static bool load(struct world_live *w)
{
    w->waiting = KIND_COUNT;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        w->listings[i] = (struct listing){.world = w, .kind = kind_all[i]};
        open_listing(&w->listings[i]);
    }
    loop_run(api_loop(w->api));
    close_listings(w);
    return !w->is_broken;
}

struct world_live *world_live_open(const char *kubeconfig)
{
    struct api *api = api_open(kubeconfig);
    if (!api)
        return NULL;
    struct world_live *w = mem_zalloc(sizeof(*w));
    w->api = api;
    w->store = policy_store_create();
    w->namespace_name = mem_strndup(api_namespace(api).ptr, api_namespace(api).len);
    bool ok = load(w);
    api_close(w->api);
    if (ok)
        return w;
    world_live_close(w);
    return NULL;
}

void world_live_close(struct world_live *w)
{
    policy_store_destroy(w->store);
    mem_free(w->namespace_name);
    mem_free(w);
}

const char *world_live_namespace(const struct world_live *w)
{
    return w->namespace_name;
}

const struct policy_set *world_live_set(struct world_live *w)
{
    return policy_store_set(w->store);
}

struct policy_store *world_live_store(struct world_live *w)
{
    return w->store;
}

bool world_live_is_partial(const struct world_live *w)
{
    return w->is_partial;
}
