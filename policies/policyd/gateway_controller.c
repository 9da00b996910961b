/* What is applied for each Gateway, when, and what came of it. On the loop's thread. Must not know
 * what is in the objects.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/gateway_controller.h"

#include <stdio.h>

#include "lib/base/json_write.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_pace.h"
#include "lib/kube/kube_watch.h"
#include "lib/kube/kube_write.h"
#include "policies/gateway/gateway_model.h"
#include "policies/policyd/access.h"
#include "policies/policyd/gateway_manifest.h"
#include "policies/gateway/gateway_names.h"
#include "policies/policyd/gateway_state.h"
#include "policies/policyd/object_store.h"

enum { ACCOUNT, DEPLOYMENT, SERVICE, AUTOSCALER }; /* indices of kinds */

enum {
    LOOK_MS = 10,
    PORTS_MAX = 256,
    KEY_MAX = 600,
    PARTS = 4,
    ARENA_BLOCK = 16384,
};

/* One object of a Gateway's. */
struct part {
    struct kept *of;
    struct kube_request *request;
    struct kube_pace pace;
    uint64_t wanted, applied; /* hashes of what should be, and of what was applied */
    /* Of what we say of it, as the watch showed it last; 0: it is not there. */
    uint64_t seen;
    uint64_t replicas; /* of the Deployment, as the watch showed them last */
    char *trouble;            /* why it could not be applied */
};

/* What is kept for one Gateway. */
struct kept {
    struct gateway_controller *controller;
    char name[GATEWAY_NAMES_MAX];
    struct part parts[PARTS];
    uint64_t round;
    bool was_running;
};

/* The objects of one kind that we have made. */
struct watched {
    struct gateway_controller *controller;
    size_t part;
    struct kube_watch *watch;
    bool is_synced; /* what there is has been seen */
};

struct gateway_controller {
    struct gateway_controller_config config;
    struct map kept; /* "namespace/label of the gateway" -> struct kept */
    struct watched watched[PARTS];
    struct timer look;
    uint64_t round;
    bool is_active;
};

static const struct part_kind {
    const char *api_version, *plural, *path;
    void (*write)(const struct gateway_manifest *m, struct buf *to);
    bool is_optional; /* it is deleted where it is not wanted (any more) */
} kinds[PARTS] = {
    {"v1", "serviceaccounts", "/api/v1/serviceaccounts", gateway_manifest_account, false},
    {"apps/v1", "deployments", "/apis/apps/v1/deployments", gateway_manifest_deployment,
     false},
    {"v1", "services", "/api/v1/services", gateway_manifest_service, false},
    {"autoscaling/v2", "horizontalpodautoscalers", "/apis/autoscaling/v2/horizontalpodautoscalers",
     gateway_manifest_autoscaler, true},
};

static size_t index_of(const struct part *p)
{
    return (size_t)(p - p->of->parts);
}

static struct slice key_of(char key[KEY_MAX], struct slice namespace_name, struct slice name)
{
    int len = snprintf(key, KEY_MAX, "%.*s/%.*s", SLICE_ARG(slice_sub(namespace_name, 0, 253)),
                       SLICE_ARG(slice_sub(name, 0, 253)));
    return slice_of(key, (size_t)len);
}

static struct kept *find_kept(struct gateway_controller *k, const struct gateway *g)
{
    char text[KEY_MAX], label[GATEWAY_NAMES_MAX];
    struct slice key = key_of(text, g->object.meta.namespace_name,
                              slice_from_cstr(gateway_names_label(g->object.meta.name, label)));
    struct kept *one = map_get(&k->kept, key);
    if (one)
        return one;
    one = mem_zalloc(sizeof *one);
    one->controller = k;
    gateway_names_managed(g, one->name);
    for (size_t i = 0; i < PARTS; i++) {
        one->parts[i].of = one;
        kube_pace_init(&one->parts[i].pace, k->config.loop);
    }
    map_put(&k->kept, key, one);
    return one;
}

static void free_kept(struct kept *one)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (one->parts[i].request)
            kube_request_cancel(one->parts[i].request);
        mem_free(one->parts[i].trouble);
    }
    mem_free(one);
}

static void look_in(struct gateway_controller *k, uint64_t delay_ms)
{
    uint64_t due_ms = loop_now_ms(k->config.loop) + delay_ms;
    if (k->is_active && (!timer_is_running(&k->look) || k->look.due_ms > due_ms))
        timer_start(&k->look, delay_ms);
}

/* ---- applying ---- */

/* People look at the Gateway; the cause is said once, however often it is tried. */
static void tell_trouble(const struct part *p, const struct gateway *g, unsigned status)
{
    char cause[64];
    snprintf(cause, sizeof cause, "%s %u", kinds[index_of(p)].plural, status);
    struct kube_event event = {
        .kind = "Gateway",
        .about = {"gateway.networking.k8s.io/v1", "gateways", g->object.meta.namespace_name,
                  g->object.meta.name},
        .uid = g->object.meta.uid,
        .is_warning = true,
        .reason = "ApplyFailed",
        .note = slice_from_cstr(p->trouble),
        .cause = cause,
    };
    kube_write_event(p->of->controller->config.client, &event);
}

/* A Gateway that is gone has nobody to be told. */
static void take_failure(struct part *p, const struct kube_result *result)
{
    struct gateway_controller *k = p->of->controller;
    const struct object_list *gateways = &object_store_set(k->config.world)->all[KIND_GATEWAY];
    mem_free(p->trouble);
    p->trouble = mem_printf("%s %s cannot be applied: %u %.*s", kinds[index_of(p)].plural,
                            p->of->name, result->status,
                            SLICE_ARG(slice_sub(result->detail, 0, 300)));
    LOG_W("gateways", "%s; next try in %lu ms", p->trouble,
          (unsigned long)kube_pace_wait_ms(&p->pace));
    for (size_t i = 0; i < gateways->count; i++) {
        const struct gateway *g = POLICY_AT(gateways, struct gateway, i);
        if (find_kept(k, g) == p->of)
            tell_trouble(p, g, result->status);
    }
}

static void on_applied(void *owner, const struct kube_result *result)
{
    struct part *p = owner;
    struct gateway_controller *k = p->of->controller;
    p->request = NULL;
    if (kube_pace_take(&p->pace, result)) {
        mem_free(p->trouble);
        p->trouble = NULL;
    } else {
        p->applied = 0;
        take_failure(p, result);
    }
    look_in(k, LOOK_MS); /* what was wanted meanwhile, or is tried again */
    k->config.moved(k->config.owner);
}

static void apply(struct part *p, struct slice namespace_name, struct slice text)
{
    const struct part_kind *kind = &kinds[index_of(p)];
    struct kube_ref ref = {kind->api_version, kind->plural, namespace_name,
                           slice_from_cstr(p->of->name)};
    p->applied = p->wanted;
    p->request = kube_write_apply(p->of->controller->config.client, &ref, text, on_applied, p);
}

/* ---- what should be ---- */

/* Served or not: a Service whose ports come and go would cut connections. */
static size_t find_ports(const struct gateway_model *m,
                         struct gateway_manifest_port ports[PORTS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < m->n_listeners && count < PORTS_MAX; i++) {
        const struct gateway_listener *l = m->listeners[i].from;
        struct gateway_manifest_port port = {(uint16_t)l->port, l->protocol == GATEWAY_UDP};
        bool is_there = false;
        for (size_t j = 0; j < count; j++)
            is_there |= ports[j].number == port.number && ports[j].is_udp == port.is_udp;
        if (!is_there)
            ports[count++] = port;
    }
    return count;
}

/* What cannot be said yet, or is not wanted, is left out. An autoscaler's number of pods is said
 * again, as it was seen last: a Deployment of which nobody says it has one pod. */
static bool is_wanted(const struct kept *one, const struct gateway_manifest *m, size_t part)
{
    bool is_scaled = m->settings->scaling.max != SCHEMA_UNSET;
    if (part == SERVICE)
        return m->n_ports > 0;
    if (part == DEPLOYMENT)
        return !is_scaled || one->controller->watched[DEPLOYMENT].is_synced;
    return part != AUTOSCALER || is_scaled;
}

/* An empty text: there should be none. False: its settings cannot be had, and all stays as it
 * is. */
static bool write_parts(const struct kept *one, const struct gateway *g, struct arena *arena,
                        struct slice texts[PARTS])
{
    struct gateway_manifest_port ports[PORTS_MAX];
    struct gateway_model model;
    const struct gateway_controller_config *c = &one->controller->config;
    gateway_model_build(&model, arena, object_store_set(c->world), g);
    if (!model.settings)
        return false;
    struct gateway_manifest m = {.gateway = g,
                                 .settings = model.settings,
                                 .options = c->options,
                                 .name = one->name,
                                 .ports = ports,
                                 .n_ports = find_ports(&model, ports),
                                 .replicas = one->parts[DEPLOYMENT].replicas};
    for (size_t i = 0; i < PARTS; i++) {
        struct buf text;
        buf_init(&text);
        if (is_wanted(one, &m, i))
            kinds[i].write(&m, &text);
        texts[i] = buf_take_into(&text, arena);
    }
    return true;
}

static void on_deleted(void *owner, const struct kube_result *result)
{
    struct part *p = owner;
    bool is_gone = result->status == 404;
    p->request = NULL;
    if (kube_pace_take(&p->pace, result) || is_gone)
        p->seen = 0;
    else
        LOG_W("gateways", "%s %s cannot be deleted: %u %.*s", kinds[index_of(p)].plural,
              p->of->name, result->status, SLICE_ARG(slice_sub(result->detail, 0, 300)));
    look_in(p->of->controller, LOOK_MS);
}

static void delete(struct part *p, struct slice namespace_name)
{
    const struct part_kind *kind = &kinds[index_of(p)];
    struct kube_ref ref = {kind->api_version, kind->plural, namespace_name,
                           slice_from_cstr(p->of->name)};
    p->applied = 0;
    p->request = kube_write_delete(p->of->controller->config.client, &ref, on_deleted, p);
}

static void keep_part(struct part *p, struct slice namespace_name, struct slice text)
{
    uint64_t wanted = slice_hash(text) | 1;
    if (wanted != p->wanted)
        kube_pace_forgive(&p->pace);
    p->wanted = wanted;
    bool is_surplus = !text.len && p->seen && kinds[index_of(p)].is_optional;
    if (p->request || (!text.len && !is_surplus) || (text.len && p->applied == wanted))
        return;
    uint64_t wait_ms = kube_pace_wait_ms(&p->pace);
    if (wait_ms)
        look_in(p->of->controller, wait_ms);
    else if (is_surplus)
        delete(p, namespace_name);
    else
        apply(p, namespace_name, text);
}

static void keep_one(struct kept *one, const struct gateway *g)
{
    struct slice texts[PARTS];
    struct arena arena;
    arena_init(&arena, ARENA_BLOCK);
    bool is_known = write_parts(one, g, &arena, texts);
    for (size_t i = 0; is_known && i < PARTS; i++)
        keep_part(&one->parts[i], g->object.meta.namespace_name, texts[i]);
    arena_dispose(&arena);
}

/* ---- all of them ---- */

static void forget_old(struct gateway_controller *k)
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
    struct gateway_controller *k = container_of(t, struct gateway_controller, look);
    if (!k->is_active || !object_store_is_ready(k->config.world))
        return;
    const struct policy_set *set = object_store_set(k->config.world);
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
}

void gateway_controller_set_active(struct gateway_controller *k, bool is_active)
{
    k->is_active = is_active;
    look_in(k, LOOK_MS);
}

/* ---- objects that others change ---- */

static struct part *find_part(const struct watched *w, const struct doc *object)
{
    char text[KEY_MAX];
    const struct doc *meta = doc_get(object, SLICE("metadata"));
    struct slice ns = doc_string(doc_get(meta, SLICE("namespace")));
    struct slice gateway =
        doc_string(doc_get(doc_get(meta, SLICE("labels")), SLICE(ACCESS_GATEWAY_LABEL)));
    struct kept *one = map_get(&w->controller->kept, key_of(text, ns, gateway));
    bool is_it = one && slice_eq_cstr(doc_string(doc_get(meta, SLICE("name"))), one->name);
    return is_it ? &one->parts[w->part] : NULL;
}

/* Of what an apply can have a say in. What else changes all the time (status, versions) is nothing
 * that would have to be put right. */
static uint64_t hash_of(const struct doc *object)
{
    static const char *const paths[] = {"spec", "automountServiceAccountToken", "metadata.labels",
                                        "metadata.annotations", "metadata.ownerReferences"};
    struct buf out;
    struct json_write w;
    size_t len;
    buf_init(&out);
    json_write_init(&w, &out);
    json_write_array(&w);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct doc *d = doc_find(object, paths[i]);
        if (d)
            doc_write_json(&w, d);
    }
    json_write_array_end(&w);
    char *text = buf_take_text(&out, &len);
    uint64_t hash = slice_hash(slice_of(text, len)) | 1;
    mem_free(text);
    return hash;
}

static void apply_again(struct part *p)
{
    p->applied = 0;
    look_in(p->of->controller, LOOK_MS);
}

/* Our own apply is shown too, so a change by others is followed by one apply that changes nothing.
 */
static void on_put(void *owner, const struct doc *object)
{
    struct part *p = find_part(owner, object);
    uint64_t hash = hash_of(object);
    const struct doc *replicas = doc_find(object, "spec.replicas");
    if (!p || p->seen == hash)
        return;
    p->seen = hash;
    p->replicas = replicas && replicas->type == DOC_INT && replicas->integer > 0
                      ? (uint64_t)replicas->integer
                      : 0;
    apply_again(p);
}

static void on_delete(void *owner, const struct doc *object)
{
    struct part *p = find_part(owner, object);
    if (!p)
        return;
    p->seen = p->replicas = 0;
    apply_again(p);
}

static void on_begin(void *owner)
{
    (void)owner;
}

static void on_synced(void *owner)
{
    struct watched *w = owner;
    w->is_synced = true;
    look_in(w->controller, LOOK_MS);
}

/* ---- how they are ---- */

void gateway_controller_describe(struct gateway_controller *k, const struct object *gateway,
                                 struct status_gateway *out)
{
    const struct gateway *g = (const void *)gateway;
    struct kept *one = find_kept(k, g);
    *out = (struct status_gateway){0};
    gateway_state_judge(object_store_set(k->config.world), k->config.subscribers, g, out);
    one->was_running |= out->is_running;
    /* Whoever sees an address calls it. */
    if (!one->was_running)
        out->address_count = 0;
    for (size_t i = 0; i < PARTS && !out->is_running; i++)
        if (one->parts[i].trouble)
            out->text = slice_from_cstr(one->parts[i].trouble);
}

/* ---- life ---- */

struct gateway_controller *gateway_controller_open(const struct gateway_controller_config *config)
{
    static const struct kube_watch_events events = {
        .on_begin = on_begin, .on_put = on_put, .on_delete = on_delete, .on_synced = on_synced};
    struct gateway_controller *k = mem_zalloc(sizeof *k);
    k->config = *config;
    map_init(&k->kept);
    timer_init(&k->look, config->loop, run_look);
    for (size_t i = 0; i < PARTS; i++) {
        struct kube_watch_config ours = {
            .path = kinds[i].path,
            .selectors = SLICE("labelSelector=app.kubernetes.io%2Fmanaged-by%3D"
                               GATEWAY_MANIFEST_MANAGED_BY)};
        k->watched[i] = (struct watched){.controller = k, .part = i};
        k->watched[i].watch = kube_watch_open(config->client, &ours, &events, &k->watched[i]);
    }
    return k;
}

void gateway_controller_close(struct gateway_controller *k)
{
    struct slice key;
    void *value;
    timer_stop(&k->look);
    for (size_t i = 0; i < PARTS; i++)
        kube_watch_close(k->watched[i].watch);
    for (size_t at = 0; map_next(&k->kept, &at, &key, &value);)
        free_kept(value);
    map_dispose(&k->kept);
    mem_free(k);
}
