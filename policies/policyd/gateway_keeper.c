/* What is applied for each Gateway, when, and what came of it. On the loop's thread. Must not know
 * what is in the objects.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_keeper.h"

#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_watch.h"
#include "lib/kube/kube_write.h"
#include "policies/gateway_model.h"
#include "policies/policyd/access.h"
#include "policies/policyd/gateway_manifest.h"
#include "policies/gateway_names.h"
#include "policies/policyd/gateway_state.h"
#include "policies/policyd/world.h"

enum {
    LOOK_MS = 10,
    RETRY_MS = 2000,
    REPAIR_MS = 300000, /* everything is applied again, in case somebody changed it */
    PORTS_MAX = 256,
    KEY_MAX = 600,
    PARTS = 3,
    ARENA_BLOCK = 16384,
};

/* What is kept for one Gateway. */
struct kept {
    struct gateway_keeper *keeper;
    char name[GATEWAY_NAMES_MAX];
    struct kube_request *requests[PARTS];
    uint64_t wanted, applied; /* hashes of what should be, and of what was applied */
    uint64_t next_ms;         /* not before */
    uint64_t repair_ms;
    uint64_t round;
    int64_t generation; /* of the Deployment, as it was seen last */
    unsigned failures;  /* of what is under way */
    char *trouble;
    bool was_running;
};

struct gateway_keeper {
    struct gateway_keeper_config config;
    struct map kept; /* "namespace/gateway" -> struct kept */
    struct kube_watch *deployments;
    struct timer look;
    uint64_t round;
    bool is_active;
};

struct part {
    const char *api_version, *plural;
    void (*write)(const struct gateway_manifest *m, struct buf *to);
};

static const struct part parts[PARTS] = {
    {"v1", "serviceaccounts", gateway_manifest_account},
    {"apps/v1", "deployments", gateway_manifest_deployment},
    {"v1", "services", gateway_manifest_service},
};

static struct slice key_of(char key[KEY_MAX], struct slice namespace_name, struct slice name)
{
    int len = snprintf(key, KEY_MAX, "%.*s/%.*s", SLICE_ARG(slice_sub(namespace_name, 0, 253)),
                       SLICE_ARG(slice_sub(name, 0, 253)));
    return slice_of(key, (size_t)len);
}

static void look_in(struct gateway_keeper *k, uint64_t delay_ms)
{
    uint64_t due_ms = loop_now_ms(k->config.loop) + delay_ms;
    if (k->is_active && (!timer_is_running(&k->look) || k->look.due_ms > due_ms))
        timer_start(&k->look, delay_ms);
}

/* ---- applying ---- */

static void finish(struct kept *one)
{
    struct gateway_keeper *k = one->keeper;
    uint64_t now_ms = loop_now_ms(k->config.loop);
    for (size_t i = 0; i < PARTS; i++)
        if (one->requests[i])
            return;
    if (one->failures) {
        one->next_ms = now_ms + RETRY_MS;
        look_in(k, RETRY_MS);
    } else {
        one->applied = one->wanted;
        one->repair_ms = now_ms + REPAIR_MS;
        mem_free(one->trouble);
        one->trouble = NULL;
        look_in(k, LOOK_MS); /* what was wanted meanwhile */
    }
    k->config.moved(k->config.owner);
}

static void take_result(struct kept *one, size_t part, const struct kube_result *result)
{
    one->requests[part] = NULL;
    if (result->status < 200 || result->status >= 300) {
        one->failures++;
        mem_free(one->trouble);
        one->trouble = mem_printf("%s %s cannot be applied: %u %.*s", parts[part].plural, one->name,
                                  result->status, SLICE_ARG(slice_sub(result->detail, 0, 300)));
        LOG_W("gateways", "%s", one->trouble);
    }
    finish(one);
}

static void on_account(void *owner, const struct kube_result *result)
{
    take_result(owner, 0, result);
}

static void on_deployment(void *owner, const struct kube_result *result)
{
    take_result(owner, 1, result);
}

static void on_service(void *owner, const struct kube_result *result)
{
    take_result(owner, 2, result);
}

static void apply(struct kept *one, struct slice namespace_name, const struct slice texts[PARTS])
{
    static const kube_done_fn done[PARTS] = {on_account, on_deployment, on_service};
    one->failures = 0;
    for (size_t i = 0; i < PARTS; i++) {
        struct kube_ref ref = {parts[i].api_version, parts[i].plural, namespace_name,
                               slice_from_cstr(one->name)};
        if (texts[i].len)
            one->requests[i] =
                kube_write_apply(one->keeper->config.client, &ref, texts[i], done[i], one);
    }
}

/* ---- what should be ---- */

/* Served or not: a Service whose ports come and go would cut connections. */
static size_t find_ports(const struct policy_set *set, const struct gateway *g,
                         uint16_t ports[PORTS_MAX])
{
    struct arena arena;
    struct gateway_model m;
    size_t count = 0;
    arena_init(&arena, ARENA_BLOCK);
    gateway_model_build(&m, &arena, set, g);
    for (size_t i = 0; i < m.n_listeners && count < PORTS_MAX; i++) {
        uint16_t port = (uint16_t)m.listeners[i].from->port;
        bool is_there = m.listeners[i].from->protocol == GATEWAY_UDP;
        for (size_t j = 0; j < count; j++)
            is_there |= ports[j] == port;
        if (!is_there)
            ports[count++] = port;
    }
    arena_dispose(&arena);
    return count;
}

/* An empty text: there should be none. */
static void write_parts(struct kept *one, const struct gateway *g, struct arena *arena,
                        struct slice texts[PARTS])
{
    uint16_t ports[PORTS_MAX];
    const struct gateway_keeper_config *c = &one->keeper->config;
    struct gateway_manifest m = {g, c->options, one->name, ports, 0};
    m.n_ports = find_ports(world_set(c->world), g, ports);
    one->wanted = 1;
    for (size_t i = 0; i < PARTS; i++) {
        struct buf text;
        buf_init(&text);
        if (parts[i].write != gateway_manifest_service || m.n_ports)
            parts[i].write(&m, &text);
        texts[i] = buf_take_into(&text, arena);
        one->wanted = (one->wanted ^ slice_hash(texts[i])) * UINT64_C(0x9e3779b97f4a7c15);
    }
}

static bool is_busy(const struct kept *one)
{
    for (size_t i = 0; i < PARTS; i++)
        if (one->requests[i])
            return true;
    return false;
}

static void keep_one(struct kept *one, const struct gateway *g)
{
    struct gateway_keeper *k = one->keeper;
    uint64_t now_ms = loop_now_ms(k->config.loop);
    struct slice texts[PARTS];
    struct arena arena;
    if (is_busy(one))
        return;
    if (now_ms < one->next_ms) {
        look_in(k, one->next_ms - now_ms);
        return;
    }
    arena_init(&arena, ARENA_BLOCK);
    write_parts(one, g, &arena, texts);
    bool is_lost = one->applied && texts[2].len &&
                   !gateway_state_service(world_set(k->config.world), g);
    if (one->wanted != one->applied || now_ms >= one->repair_ms || is_lost) {
        one->next_ms = now_ms + (is_lost ? RETRY_MS : 0);
        apply(one, g->object.meta.namespace_name, texts);
    }
    arena_dispose(&arena);
}

/* ---- all of them ---- */

static void free_kept(struct kept *one)
{
    for (size_t i = 0; i < PARTS; i++)
        if (one->requests[i])
            kube_request_cancel(one->requests[i]);
    mem_free(one->trouble);
    mem_free(one);
}

static struct kept *find_kept(struct gateway_keeper *k, const struct gateway *g)
{
    char text[KEY_MAX];
    struct slice key = key_of(text, g->object.meta.namespace_name, g->object.meta.name);
    struct kept *one = map_get(&k->kept, key);
    if (one)
        return one;
    one = mem_zalloc(sizeof *one);
    one->keeper = k;
    gateway_names_managed(g, one->name);
    map_put(&k->kept, key, one);
    return one;
}

static void forget_old(struct gateway_keeper *k)
{
    struct slice key;
    void *value;
    for (size_t at = 0; map_next(&k->kept, &at, &key, &value);) {
        struct kept *one = value;
        if (one->round == k->round)
            continue;
        map_remove(&k->kept, key);
        free_kept(one);
    }
}

static void run_look(struct timer *t)
{
    struct gateway_keeper *k = container_of(t, struct gateway_keeper, look);
    if (!k->is_active || !world_is_ready(k->config.world))
        return;
    const struct policy_set *set = world_set(k->config.world);
    const struct object_list *gateways = &set->all[KIND_GATEWAY];
    k->round++;
    for (size_t i = 0; i < gateways->count; i++) {
        const struct gateway *g = POLICY_AT(gateways, struct gateway, i);
        if (g->object.meta.deleted_text.len || !gateway_model_is_ours(set, g))
            continue;
        struct kept *one = find_kept(k, g);
        one->round = k->round;
        if (k->config.options->keeps_gateways && !gateway_state_deployment(g).len)
            keep_one(one, g);
    }
    forget_old(k);
    look_in(k, REPAIR_MS);
}

void gateway_keeper_set_active(struct gateway_keeper *k, bool is_active)
{
    k->is_active = is_active;
    look_in(k, LOOK_MS);
}

/* ---- Deployments that others change ---- */

static struct kept *find_of_deployment(struct gateway_keeper *k, const struct doc *object)
{
    char text[KEY_MAX];
    const struct doc *meta = doc_get(object, SLICE("metadata"));
    struct slice ns = doc_string(doc_get(meta, SLICE("namespace")));
    struct slice gateway =
        doc_string(doc_get(doc_get(meta, SLICE("labels")), SLICE(ACCESS_GATEWAY_LABEL)));
    struct kept *one = map_get(&k->kept, key_of(text, ns, gateway));
    bool is_it = one && slice_eq_cstr(doc_string(doc_get(meta, SLICE("name"))), one->name);
    return is_it ? one : NULL;
}

static void apply_again(struct kept *one)
{
    one->applied = 0;
    look_in(one->keeper, LOOK_MS);
}

static void on_put(void *owner, const struct doc *object)
{
    struct kept *one = find_of_deployment(owner, object);
    const struct doc *node = doc_find(object, "metadata.generation");
    int64_t generation = node && node->type == DOC_INT ? node->integer : 0;
    if (!one || one->generation == generation)
        return;
    one->generation = generation;
    apply_again(one);
}

static void on_delete(void *owner, const struct doc *object)
{
    struct kept *one = find_of_deployment(owner, object);
    if (one)
        apply_again(one);
}

static void on_list(void *owner)
{
    (void)owner;
}

/* ---- how they are ---- */

void gateway_keeper_describe(struct gateway_keeper *k, const struct object *gateway,
                             struct status_gateway *out)
{
    const struct gateway *g = (const void *)gateway;
    struct kept *one = find_kept(k, g);
    *out = (struct status_gateway){0};
    gateway_state_judge(world_set(k->config.world), k->config.roster, g, out);
    one->was_running |= out->is_running;
    /* Whoever sees an address calls it. */
    if (!one->was_running)
        out->address_count = 0;
    if (!out->is_running && one->trouble)
        out->text = slice_from_cstr(one->trouble);
}

/* ---- life ---- */

struct gateway_keeper *gateway_keeper_open(const struct gateway_keeper_config *config)
{
    static const struct kube_watch_events events = {
        .on_begin = on_list, .on_put = on_put, .on_delete = on_delete, .on_synced = on_list};
    static const struct kube_watch_config deployments = {
        .path = "/apis/apps/v1/deployments",
        .selectors =
            {"labelSelector=app.kubernetes.io%2Fmanaged-by%3D" GATEWAY_MANIFEST_MANAGED_BY,
             sizeof "labelSelector=app.kubernetes.io%2Fmanaged-by%3D" GATEWAY_MANIFEST_MANAGED_BY -
                 1},
    };
    struct gateway_keeper *k = mem_zalloc(sizeof *k);
    k->config = *config;
    map_init(&k->kept);
    timer_init(&k->look, config->loop, run_look);
    k->deployments = kube_watch_open(config->client, &deployments, &events, k);
    return k;
}

void gateway_keeper_close(struct gateway_keeper *k)
{
    struct slice key;
    void *value;
    timer_stop(&k->look);
    kube_watch_close(k->deployments);
    for (size_t at = 0; map_next(&k->kept, &at, &key, &value);)
        free_kept(value);
    map_dispose(&k->kept);
    mem_free(k);
}
