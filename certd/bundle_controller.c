/* Two watches (namespaces, and the ConfigMaps of that one name) and a list of namespaces that are
 * not as they should be, which is worked off a few at a time. A missing bundle is written at once,
 * a different one a moment later: another replica may know newer roots that we are about to see.
 * On certd's only thread. Must not know where the roots come from, nor who leads.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/bundle_controller.h"

#include <string.h>

#include "lib/base/json_write.h"
#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_pace.h"
#include "lib/kube/kube_watch.h"
#include "lib/kube/kube_write.h"
#include "lib/tls/digest.h"

enum { WRITES_MAX = 8, DIFFERENT_MS = 300 };

struct place {
    struct bundle_controller *controller;
    struct list node; /* among those to be written */
    char *name;
    bool is_active;                /* the namespace is there, and not on its way out */
    bool has_map;                  /* its ConfigMap, as last seen … */
    uint8_t digest[DIGEST_SIZE];   /* … and what it held */
    bool namespace_seen, map_seen; /* in the list that is under way */
    struct kube_request *writing;
    struct kube_pace pace;
    uint8_t written[DIGEST_SIZE]; /* what that one writes … */
    bool seen_since;              /* … and whether the watch has spoken since it began */
};

struct bundle_controller {
    struct kube_client *client;
    struct kube_watch *namespaces, *maps;
    bool maps_synced, is_active;
    char *own_namespace;
    char *own, *others; /* roots as published in our namespace, and in some other; or NULL */
    void (*watched)(void *owner);
    void *owner;
    char *roots; /* NULL: not known yet */
    uint8_t digest[DIGEST_SIZE];
    struct map places; /* by name */
    struct list wrong;
    unsigned writes;
    struct loop *loop;
    struct timer pump;
};

/* ---- places */

static struct place *find_or_add(struct bundle_controller *k, struct slice name)
{
    struct place *p = map_get(&k->places, name);
    if (p)
        return p;
    p = mem_zalloc(sizeof(*p));
    p->controller = k;
    p->name = mem_strndup(name.ptr, name.len);
    list_init(&p->node);
    kube_pace_init(&p->pace, k->loop);
    (void)map_put(&k->places, name, p);
    return p;
}

static void destroy_place(struct place *p)
{
    list_unlink(&p->node);
    if (p->writing) {
        kube_request_cancel(p->writing);
        p->controller->writes--;
    }
    mem_free(p->name);
    mem_free(p);
}

static void drop_if_gone(struct place *p)
{
    if (p->is_active || p->has_map)
        return;
    (void)map_remove(&p->controller->places, slice_from_cstr(p->name));
    destroy_place(p);
}

static bool is_wrong(const struct place *p)
{
    return p->is_active &&
           (!p->has_map || memcmp(p->digest, p->controller->digest, DIGEST_SIZE) != 0);
}

static void pump_in(struct bundle_controller *k, uint64_t delay_ms)
{
    uint64_t due_ms = loop_now_ms(k->loop) + delay_ms;
    if (k->is_active && (!timer_is_running(&k->pump) || k->pump.due_ms > due_ms))
        timer_start(&k->pump, delay_ms);
}

/* Puts it on the list when something is to be done. */
static void consider(struct place *p)
{
    struct bundle_controller *k = p->controller;
    if (!is_wrong(p)) {
        list_unlink(&p->node);
        return;
    }
    if (!k->roots || !k->maps_synced || p->writing)
        return;
    if (!list_is_linked(&p->node))
        list_link_last(&k->wrong, &p->node);
    uint64_t wait_ms = kube_pace_wait_ms(&p->pace);
    pump_in(k, wait_ms ? wait_ms : p->has_map ? DIFFERENT_MS : 0);
}

static struct place *next_place(const struct bundle_controller *k, size_t *at)
{
    struct slice key;
    void *value;
    return map_next(&k->places, at, &key, &value) ? value : NULL;
}

static void consider_all(struct bundle_controller *k)
{
    size_t at = 0;
    for (struct place *p; (p = next_place(k, &at));)
        consider(p);
}

/* ---- writing */

static void on_written(void *owner, const struct kube_result *result)
{
    struct place *p = owner;
    struct bundle_controller *k = p->controller;
    p->writing = NULL;
    k->writes--;
    if (kube_pace_take(&p->pace, result)) {
        /* The watch has the last word, also when it comes first. */
        if (!p->seen_since) {
            p->has_map = true;
            memcpy(p->digest, p->written, DIGEST_SIZE);
        }
        consider(p);
        if (!list_is_empty(&k->wrong))
            pump_in(k, 0);
        return;
    }
    /* Namespaces that are being deleted say so with one of these. */
    if (result->status == 404) {
        p->is_active = false;
        drop_if_gone(p);
        return;
    }
    LOG_W("bundle", "%s/%s cannot be written: %u %.*s; next try in %lu ms", p->name,
          BUNDLE_CONTROLLER_CONFIG_MAP, result->status, SLICE_ARG(result->detail),
          (unsigned long)kube_pace_wait_ms(&p->pace));
    consider(p);
    pump_in(k, 0); /* there is room for another one's */
}

static void write_map(struct json_write *w, const struct place *p)
{
    json_write_object(w);
    json_write_field(w, "apiVersion", SLICE("v1"));
    json_write_field(w, "kind", SLICE("ConfigMap"));
    json_write_key(w, "metadata");
    json_write_object(w);
    json_write_field(w, "namespace", slice_from_cstr(p->name));
    json_write_field(w, "name", SLICE(BUNDLE_CONTROLLER_CONFIG_MAP));
    json_write_key(w, "labels");
    json_write_object(w);
    json_write_field(w, "app.kubernetes.io/managed-by", SLICE("weft-certd"));
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_key(w, "data");
    json_write_object(w);
    json_write_field(w, BUNDLE_CONTROLLER_ENTRY, slice_from_cstr(p->controller->roots));
    json_write_object_end(w);
    json_write_object_end(w);
}

static void start_write(struct place *p)
{
    struct bundle_controller *k = p->controller;
    struct kube_ref ref = {"v1", "configmaps", slice_from_cstr(p->name),
                           SLICE(BUNDLE_CONTROLLER_CONFIG_MAP)};
    struct buf body;
    struct json_write w;
    buf_init(&body);
    json_write_init(&w, &body);
    write_map(&w, p);
    size_t len;
    char *text = buf_take_text(&body, &len);
    k->writes++;
    memcpy(p->written, k->digest, DIGEST_SIZE);
    p->seen_since = false;
    p->writing = kube_write_apply(k->client, &ref, slice_of(text, len), on_written, p);
    mem_free(text);
}

static void on_pump(struct timer *t)
{
    struct bundle_controller *k = container_of(t, struct bundle_controller, pump);
    uint64_t next_ms = UINT64_MAX;
    LIST_FOREACH_SAFE(node, next, &k->wrong)
    {
        struct place *p = container_of(node, struct place, node);
        uint64_t wait_ms = kube_pace_wait_ms(&p->pace);
        if (k->writes >= WRITES_MAX)
            return; /* whose answers go on from here */
        if (wait_ms) {
            next_ms = wait_ms < next_ms ? wait_ms : next_ms;
            continue;
        }
        list_unlink(node);
        start_write(p);
    }
    if (next_ms != UINT64_MAX)
        pump_in(k, next_ms);
}

/* ---- namespaces */

static bool is_active(const struct doc *namespace_object)
{
    return !doc_find(namespace_object, "metadata.deletionTimestamp") &&
           !slice_eq(doc_string(doc_find(namespace_object, "status.phase")), SLICE("Terminating"));
}

static void leave(struct place *p)
{
    p->is_active = false;
    consider(p);
    drop_if_gone(p);
}

static void on_namespaces_begin(void *owner)
{
    size_t at = 0;
    for (struct place *p; (p = next_place(owner, &at));)
        p->namespace_seen = false;
}

static void on_namespace(void *owner, const struct doc *object)
{
    struct place *p = find_or_add(owner, doc_string(doc_find(object, "metadata.name")));
    p->namespace_seen = true;
    p->is_active = is_active(object);
    consider(p);
}

static void on_namespace_gone(void *owner, const struct doc *object)
{
    const struct bundle_controller *k = owner;
    struct place *p = map_get(&k->places, doc_string(doc_find(object, "metadata.name")));
    if (p)
        leave(p);
}

static void on_namespaces_synced(void *owner)
{
    size_t at = 0;
    for (struct place *p; (p = next_place(owner, &at));)
        if (!p->namespace_seen)
            leave(p);
}

/* ---- ConfigMaps */

static void lose_map(struct place *p)
{
    p->has_map = false;
    p->seen_since = true;
    consider(p);
    drop_if_gone(p);
}

static void on_maps_begin(void *owner)
{
    size_t at = 0;
    for (struct place *p; (p = next_place(owner, &at));)
        p->map_seen = false;
}

/* One of the others is as good as another: they all say the same, but for what people edit. */
static void note_published(const struct place *p, struct slice roots)
{
    struct bundle_controller *k = p->controller;
    bool is_own = strcmp(p->name, k->own_namespace) == 0;
    char **text = is_own ? &k->own : &k->others;
    if (!roots.len || (!is_own && *text))
        return;
    mem_free(*text);
    *text = mem_strndup(roots.ptr, roots.len);
}

static void on_map(void *owner, const struct doc *object)
{
    struct place *p = find_or_add(owner, doc_string(doc_find(object, "metadata.namespace")));
    const struct doc *data = doc_get(object, SLICE("data"));
    p->map_seen = p->has_map = p->seen_since = true;
    digest_sha256(doc_string(doc_get(data, SLICE(BUNDLE_CONTROLLER_ENTRY))), p->digest);
    note_published(p, doc_string(doc_get(data, SLICE(BUNDLE_CONTROLLER_ENTRY))));
    consider(p);
}

static void on_map_gone(void *owner, const struct doc *object)
{
    const struct bundle_controller *k = owner;
    struct place *p = map_get(&k->places, doc_string(doc_find(object, "metadata.namespace")));
    if (p)
        lose_map(p);
}

static void on_maps_synced(void *owner)
{
    struct bundle_controller *k = owner;
    size_t at = 0;
    for (struct place *p; (p = next_place(k, &at));)
        if (!p->map_seen)
            lose_map(p);
    bool is_first = !k->maps_synced;
    k->maps_synced = true;
    consider_all(k);
    if (is_first && k->watched)
        k->watched(k->owner);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    (void)owner;
    LOG_W("bundle", "namespaces or trust bundles cannot be watched: %u %.*s", status,
          SLICE_ARG(detail));
}

/* ---- life */

struct bundle_controller *bundle_controller_open(struct loop *l, struct kube_client *client,
                                                 struct slice own_namespace,
                                                 void (*watched)(void *owner), void *owner)
{
    static const struct kube_watch_config namespaces = {.path = "/api/v1/namespaces"};
    static const struct kube_watch_config maps = {
        .path = "/api/v1/configmaps",
        .selectors = {"fieldSelector=metadata.name%3D" BUNDLE_CONTROLLER_CONFIG_MAP,
                      sizeof("fieldSelector=metadata.name%3D" BUNDLE_CONTROLLER_CONFIG_MAP) - 1}};
    static const struct kube_watch_events on_namespaces = {
        on_namespaces_begin, on_namespace, on_namespace_gone, on_namespaces_synced, on_trouble};
    static const struct kube_watch_events on_maps = {on_maps_begin, on_map, on_map_gone,
                                                     on_maps_synced, on_trouble};
    struct bundle_controller *k = mem_zalloc(sizeof(*k));
    k->client = client;
    k->loop = l;
    k->own_namespace = mem_strndup(own_namespace.ptr, own_namespace.len);
    k->watched = watched;
    k->owner = owner;
    map_init(&k->places);
    list_init(&k->wrong);
    timer_init(&k->pump, l, on_pump);
    k->namespaces = kube_watch_open(client, &namespaces, &on_namespaces, k);
    k->maps = kube_watch_open(client, &maps, &on_maps, k);
    return k;
}

void bundle_controller_set(struct bundle_controller *k, struct slice roots_pem)
{
    mem_free(k->roots);
    k->roots = mem_strndup(roots_pem.ptr, roots_pem.len);
    digest_sha256(roots_pem, k->digest);
    consider_all(k);
}

void bundle_controller_set_active(struct bundle_controller *k, bool is_active)
{
    k->is_active = is_active;
    if (is_active)
        consider_all(k);
    else
        timer_stop(&k->pump);
}

bool bundle_controller_published(const struct bundle_controller *k, struct slice *roots_pem,
                                 bool *is_own)
{
    *is_own = k->own;
    *roots_pem = slice_from_cstr(k->own ? k->own : k->others);
    return k->maps_synced;
}

size_t bundle_controller_outdated(const struct bundle_controller *k)
{
    size_t count = 0, at = 0;
    for (struct place *p; (p = next_place(k, &at));)
        count += !k->roots || is_wrong(p);
    return count;
}

void bundle_controller_close(struct bundle_controller *k)
{
    if (!k)
        return;
    kube_watch_close(k->namespaces);
    kube_watch_close(k->maps);
    timer_stop(&k->pump);
    size_t at = 0;
    for (struct place *p; (p = next_place(k, &at));)
        destroy_place(p);
    map_dispose(&k->places);
    mem_free(k->own_namespace);
    mem_free(k->own);
    mem_free(k->others);
    mem_free(k->roots);
    mem_free(k);
}
