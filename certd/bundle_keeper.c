/* Two watches (namespaces, and the ConfigMaps of that one name) and a list of namespaces that are
 * not as they should be, which is worked off a few at a time. A missing bundle is written at once,
 * a different one a moment later: another replica may know newer roots that we are about to see.
 * On certd's only thread. Must not know where the roots come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "certd/bundle_keeper.h"

#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/json_write.h"
#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_watch.h"
#include "lib/kube/kube_write.h"
#include "lib/tls/digest.h"

enum { WRITES_MAX = 8, DIFFERENT_MS = 300, RETRY_MIN_MS = 500, RETRY_MAX_MS = 30000 };

struct place {
    struct bundle_keeper *keeper;
    struct list node; /* among those to be written */
    char *name;
    bool is_active;                /* the namespace is there, and not on its way out */
    bool has_map;                  /* its ConfigMap, as last seen … */
    uint8_t digest[DIGEST_SIZE];   /* … and what it held */
    bool namespace_seen, map_seen; /* in the list that is under way */
    struct kube_request *writing;
    uint8_t written[DIGEST_SIZE]; /* what that one writes … */
    bool seen_since;              /* … and whether the watch has spoken since it began */
};

struct bundle_keeper {
    struct kube_client *client;
    struct kube_watch *namespaces, *maps;
    bool maps_synced;
    char *roots; /* NULL: not known yet */
    uint8_t digest[DIGEST_SIZE];
    struct map places; /* by name */
    struct list wrong;
    unsigned writes, failures;
    struct timer pump;
    struct rand_state random;
};

/* ---- places */

static struct place *find_or_add(struct bundle_keeper *k, struct slice name)
{
    struct place *p = map_get(&k->places, name);
    if (p)
        return p;
    p = mem_zalloc(sizeof(*p));
    p->keeper = k;
    p->name = mem_strndup(name.ptr, name.len);
    list_init(&p->node);
    (void)map_put(&k->places, name, p);
    return p;
}

static void destroy_place(struct place *p)
{
    list_unlink(&p->node);
    if (p->writing) {
        kube_request_cancel(p->writing);
        p->keeper->writes--;
    }
    mem_free(p->name);
    mem_free(p);
}

static void drop_if_gone(struct place *p)
{
    if (p->is_active || p->has_map)
        return;
    (void)map_remove(&p->keeper->places, slice_from_cstr(p->name));
    destroy_place(p);
}

static bool is_wrong(const struct place *p)
{
    return p->is_active && (!p->has_map || memcmp(p->digest, p->keeper->digest, DIGEST_SIZE) != 0);
}

/* Puts it on the list when something is to be done. */
static void consider(struct place *p)
{
    struct bundle_keeper *k = p->keeper;
    if (!is_wrong(p)) {
        list_unlink(&p->node);
        return;
    }
    if (!k->roots || !k->maps_synced || p->writing)
        return;
    if (!list_is_linked(&p->node))
        list_link_last(&k->wrong, &p->node);
    if (!p->has_map && !k->failures)
        timer_start(&k->pump, 0);
    else if (!timer_is_running(&k->pump))
        timer_start(&k->pump, DIFFERENT_MS);
}

static struct place *next_place(const struct bundle_keeper *k, size_t *at)
{
    struct slice key;
    void *value;
    return map_next(&k->places, at, &key, &value) ? value : NULL;
}

static void consider_all(struct bundle_keeper *k)
{
    size_t at = 0;
    for (struct place *p; (p = next_place(k, &at));)
        consider(p);
}

/* ---- writing */

static void on_written(void *owner, const struct kube_result *result)
{
    struct place *p = owner;
    struct bundle_keeper *k = p->keeper;
    p->writing = NULL;
    k->writes--;
    if (result->status / 100 == 2) {
        k->failures = 0;
        /* The watch has the last word, also when it comes first. */
        if (!p->seen_since) {
            p->has_map = true;
            memcpy(p->digest, p->written, DIGEST_SIZE);
        }
        consider(p);
        if (!list_is_empty(&k->wrong))
            timer_start(&k->pump, 0);
        return;
    }
    /* Namespaces that are being deleted say so with one of these. */
    if (result->status == 404) {
        p->is_active = false;
        drop_if_gone(p);
        return;
    }
    LOG_W("bundle", "%s/%s cannot be written: %u %.*s", p->name, BUNDLE_KEEPER_CONFIG_MAP,
          result->status, SLICE_ARG(result->detail));
    timer_start(&k->pump, backoff_delay(k->failures++, RETRY_MIN_MS, RETRY_MAX_MS, &k->random));
    consider(p);
}

static void write_map(struct json_write *w, const struct place *p)
{
    json_write_object(w);
    json_write_field(w, "apiVersion", SLICE("v1"));
    json_write_field(w, "kind", SLICE("ConfigMap"));
    json_write_key(w, "metadata");
    json_write_object(w);
    json_write_field(w, "namespace", slice_from_cstr(p->name));
    json_write_field(w, "name", SLICE(BUNDLE_KEEPER_CONFIG_MAP));
    json_write_key(w, "labels");
    json_write_object(w);
    json_write_field(w, "app.kubernetes.io/managed-by", SLICE("weft-certd"));
    json_write_object_end(w);
    json_write_object_end(w);
    json_write_key(w, "data");
    json_write_object(w);
    json_write_field(w, BUNDLE_KEEPER_ENTRY, slice_from_cstr(p->keeper->roots));
    json_write_object_end(w);
    json_write_object_end(w);
}

static void start_write(struct place *p)
{
    struct bundle_keeper *k = p->keeper;
    struct kube_ref ref = {"v1", "configmaps", slice_from_cstr(p->name),
                           SLICE(BUNDLE_KEEPER_CONFIG_MAP)};
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
    struct bundle_keeper *k = container_of(t, struct bundle_keeper, pump);
    while (k->writes < WRITES_MAX && !list_is_empty(&k->wrong))
        start_write(container_of(list_take_first(&k->wrong), struct place, node));
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
    const struct bundle_keeper *k = owner;
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

static void on_map(void *owner, const struct doc *object)
{
    struct place *p = find_or_add(owner, doc_string(doc_find(object, "metadata.namespace")));
    const struct doc *data = doc_get(object, SLICE("data"));
    p->map_seen = p->has_map = p->seen_since = true;
    digest_sha256(doc_string(doc_get(data, SLICE(BUNDLE_KEEPER_ENTRY))), p->digest);
    consider(p);
}

static void on_map_gone(void *owner, const struct doc *object)
{
    const struct bundle_keeper *k = owner;
    struct place *p = map_get(&k->places, doc_string(doc_find(object, "metadata.namespace")));
    if (p)
        lose_map(p);
}

static void on_maps_synced(void *owner)
{
    struct bundle_keeper *k = owner;
    size_t at = 0;
    for (struct place *p; (p = next_place(k, &at));)
        if (!p->map_seen)
            lose_map(p);
    k->maps_synced = true;
    consider_all(k);
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    (void)owner;
    LOG_W("bundle", "namespaces or trust bundles cannot be watched: %u %.*s", status,
          SLICE_ARG(detail));
}

/* ---- life */

struct bundle_keeper *bundle_keeper_open(struct loop *l, struct kube_client *client)
{
    static const struct kube_watch_config namespaces = {.path = "/api/v1/namespaces"};
    static const struct kube_watch_config maps = {
        .path = "/api/v1/configmaps",
        .selectors = {"fieldSelector=metadata.name%3D" BUNDLE_KEEPER_CONFIG_MAP,
                      sizeof("fieldSelector=metadata.name%3D" BUNDLE_KEEPER_CONFIG_MAP) - 1}};
    static const struct kube_watch_events on_namespaces = {
        on_namespaces_begin, on_namespace, on_namespace_gone, on_namespaces_synced, on_trouble};
    static const struct kube_watch_events on_maps = {on_maps_begin, on_map, on_map_gone,
                                                     on_maps_synced, on_trouble};
    struct bundle_keeper *k = mem_zalloc(sizeof(*k));
    k->client = client;
    rand_seed(&k->random, clock_mono_ns());
    map_init(&k->places);
    list_init(&k->wrong);
    timer_init(&k->pump, l, on_pump);
    k->namespaces = kube_watch_open(client, &namespaces, &on_namespaces, k);
    k->maps = kube_watch_open(client, &maps, &on_maps, k);
    return k;
}

void bundle_keeper_set(struct bundle_keeper *k, struct slice roots_pem)
{
    mem_free(k->roots);
    k->roots = mem_strndup(roots_pem.ptr, roots_pem.len);
    digest_sha256(roots_pem, k->digest);
    consider_all(k);
}

void bundle_keeper_close(struct bundle_keeper *k)
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
    mem_free(k->roots);
    mem_free(k);
}
