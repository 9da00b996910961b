/* Three watches. Of each object only what injection reads is kept, and of most namespaces nothing.
 * What cannot be listed is as if it were not there: pods are made without it, and the log says why.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/pod_context.h"

#include <string.h>

#include "lib/base/list.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/inject/inject_option.h"
#include "lib/kube/kube_watch.h"

enum { LIMIT_RANGES_MAX = 32, ARENA_BLOCK = 1024 };

enum kind { NAMESPACES, LIMIT_RANGES, MESH_CONFIGS, KIND_COUNT };

struct object {
    struct list node;
    struct arena arena;
    struct slice space, name;
    const struct doc *kept;
    bool is_seen; /* in the list that is under way */
};

struct watched {
    enum kind kind;
    char *path;
    struct kube_watch *watch;
    struct list objects;
    bool is_known;
};

struct pod_context {
    struct watched kinds[KIND_COUNT];
};

/* ---- what is kept ---- */

static const struct doc *keep_prefix(struct arena *a, const struct doc *from, struct slice prefix)
{
    struct doc *kept = doc_make_object(a);
    for (size_t i = 0; from && from->type == DOC_OBJECT && i < from->count; i++)
        if (slice_starts_with(from->members[i].key, prefix))
            doc_make_put(a, kept, from->members[i].key, from->members[i].value);
    return kept;
}

static const struct doc *keep_namespace(struct arena *a, const struct doc *object)
{
    struct doc *kept = doc_make_object(a);
    const struct doc *annotations =
        keep_prefix(a, doc_find(object, "metadata.annotations"), SLICE(INJECT_PREFIX));
    const struct doc *labels = keep_prefix(a, doc_find(object, "metadata.labels"),
                                           SLICE("pod-security.kubernetes.io/"));
    doc_make_put(a, kept, SLICE("annotations"), annotations);
    doc_make_put(a, kept, SLICE("labels"), labels);
    return annotations->count || labels->count ? kept : NULL;
}

/* One that cannot be used is left out: pods are still made, and the MeshConfig's status tells. */
static const struct doc *keep_defaults(struct arena *a, const struct doc *object)
{
    const struct doc *all = doc_find(object, "spec.sidecarDefaults");
    struct doc *kept = doc_make_object(a);
    for (size_t i = 0; all && all->type == DOC_OBJECT && i < all->count; i++) {
        const char *must_be = "a known annotation";
        struct slice name = all->members[i].key, value = doc_string(all->members[i].value);
        if (!inject_option_check(name, value, &must_be))
            doc_make_put(a, kept, name, all->members[i].value);
        else
            LOG_E("injector",
                  "MeshConfig: sidecarDefaults: %.*s: \"%.*s\" is left out: it is not %s",
                  SLICE_ARG(name), SLICE_ARG(value), must_be);
    }
    return kept->count ? kept : NULL;
}

static const struct doc *keep(enum kind kind, struct arena *a, const struct doc *object)
{
    if (kind == NAMESPACES)
        return keep_namespace(a, object);
    return kind == LIMIT_RANGES ? doc_get(object, SLICE("spec")) : keep_defaults(a, object);
}

/* The document of a watch lives for one call. */
static const struct doc *copy(struct arena *a, const struct doc *d)
{
    struct json_write w;
    struct buf text;
    const struct doc *copied;
    struct doc_error error;
    buf_init(&text);
    json_write_init(&w, &text);
    doc_write_json(&w, d);
    return doc_json_parse(buf_take_into(&text, a), a, &copied, &error) ? NULL : copied;
}

/* ---- watching ---- */

static void forget(struct object *o)
{
    list_unlink(&o->node);
    arena_dispose(&o->arena);
    mem_free(o);
}

static void forget_unseen(struct watched *w)
{
    LIST_FOREACH_SAFE(node, next, &w->objects)
    {
        struct object *o = container_of(node, struct object, node);
        if (!o->is_seen)
            forget(o);
    }
}

static void set_unseen(struct watched *w)
{
    LIST_FOREACH(node, &w->objects)
    container_of(node, struct object, node)->is_seen = false;
}

static void on_begin(void *owner)
{
    set_unseen(owner);
}

static void on_delete(void *owner, const struct doc *object)
{
    struct watched *w = owner;
    struct slice space = doc_string(doc_find(object, "metadata.namespace"));
    struct slice name = doc_string(doc_find(object, "metadata.name"));
    LIST_FOREACH_SAFE(node, next, &w->objects)
    {
        struct object *o = container_of(node, struct object, node);
        if (slice_eq(o->name, name) && slice_eq(o->space, space))
            forget(o);
    }
}

static void on_put(void *owner, const struct doc *object)
{
    struct watched *w = owner;
    struct object *o = mem_zalloc(sizeof(*o));
    on_delete(owner, object);
    arena_init(&o->arena, ARENA_BLOCK);
    list_link_last(&w->objects, &o->node);
    o->is_seen = true;
    o->space = arena_copy(&o->arena, doc_string(doc_find(object, "metadata.namespace")));
    o->name = arena_copy(&o->arena, doc_string(doc_find(object, "metadata.name")));
    const struct doc *kept = keep(w->kind, &o->arena, object);
    o->kept = kept ? copy(&o->arena, kept) : NULL;
    if (!o->kept)
        forget(o);
}

static void on_synced(void *owner)
{
    struct watched *w = owner;
    forget_unseen(w);
    w->is_known = true;
}

static void on_trouble(void *owner, unsigned status, struct slice detail)
{
    struct watched *w = owner;
    LOG_W("injector", "%s cannot be watched, so what it says of new pods is not known: %u %.*s",
          w->path, status, SLICE_ARG(detail));
    w->is_known = true;
}

/* ---- asking ---- */

static const struct doc *find(const struct watched *w, struct slice name)
{
    LIST_FOREACH(node, (struct list *)&w->objects)
    {
        const struct object *o = container_of(node, struct object, node);
        if (slice_eq(o->name, name))
            return o->kept;
    }
    return NULL;
}

void pod_context_fill(const struct pod_context *c, struct slice namespace_name, struct arena *arena,
                      struct inject_config *config)
{
    struct inject_namespace *space = arena_zalloc(arena, sizeof(*space));
    const struct doc **ranges = arena_alloc(arena, LIMIT_RANGES_MAX * sizeof(*ranges));
    const struct doc *kept = find(&c->kinds[NAMESPACES], namespace_name);
    space->annotations = doc_get(kept, SLICE("annotations"));
    space->labels = doc_get(kept, SLICE("labels"));
    space->limit_ranges = ranges;
    LIST_FOREACH(node, (struct list *)&c->kinds[LIMIT_RANGES].objects)
    {
        const struct object *o = container_of(node, struct object, node);
        if (slice_eq(o->space, namespace_name) && space->limit_range_count < LIMIT_RANGES_MAX)
            ranges[space->limit_range_count++] = o->kept;
    }
    config->space = space;
    config->defaults = find(&c->kinds[MESH_CONFIGS], SLICE("default"));
}

bool pod_context_is_known(const struct pod_context *c)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (!c->kinds[i].is_known)
            return false;
    return true;
}

/* ---- life ---- */

struct pod_context *pod_context_open(struct kube_client *client, struct slice mesh_namespace)
{
    static const struct kube_watch_events events = {on_begin, on_put, on_delete, on_synced,
                                                    on_trouble};
    struct pod_context *c = mem_zalloc(sizeof(*c));
    c->kinds[NAMESPACES].path = mem_printf("/api/v1/namespaces");
    c->kinds[LIMIT_RANGES].path = mem_printf("/api/v1/limitranges");
    c->kinds[MESH_CONFIGS].path = mem_printf("/apis/policy.weft.dev/v1alpha1/namespaces/%.*s/"
                                             "meshconfigs",
                                             SLICE_ARG(mesh_namespace));
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct watched *w = &c->kinds[i];
        struct kube_watch_config config = {.path = w->path};
        w->kind = (enum kind)i;
        list_init(&w->objects);
        w->watch = kube_watch_open(client, &config, &events, w);
    }
    return c;
}

void pod_context_close(struct pod_context *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct watched *w = &c->kinds[i];
        kube_watch_close(w->watch);
        set_unseen(w);
        forget_unseen(w);
        mem_free(w->path);
    }
    mem_free(c);
}
