/* Where pods are in the objects that have some: a table of kinds, and lists of them within lists.
 * What is not in it is somebody else's and stays. Pure.
 * Must not know what a sidecar looks like.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/inject/inject_document.h"

#include "lib/codec/doc/doc_make.h"

enum { DEPTH_MAX = 8 };

struct place {
    const char *api_version, *kind;
    const char *path; /* for doc_find */
    const char *base; /* the same as a JSON pointer */
};

#define TEMPLATE "spec.template", "/spec/template"

static const struct place places[] = {
    {"v1", "Pod", "", ""},
    {"v1", "ReplicationController", TEMPLATE},
    {"apps/v1", "Deployment", TEMPLATE},
    {"apps/v1", "ReplicaSet", TEMPLATE},
    {"apps/v1", "StatefulSet", TEMPLATE},
    {"apps/v1", "DaemonSet", TEMPLATE},
    {"batch/v1", "Job", TEMPLATE},
    {"batch/v1", "CronJob", "spec.jobTemplate.spec.template", "/spec/jobTemplate/spec/template"},
};

struct walk {
    const struct inject_files *files;
    struct arena *arena;
    inject_document_fn each;
    void *owner;
};

static const struct place *find_place(const struct doc *d)
{
    struct slice version = doc_string(doc_get(d, SLICE("apiVersion")));
    struct slice kind = doc_string(doc_get(d, SLICE("kind")));
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (slice_eq_cstr(version, places[i].api_version) && slice_eq_cstr(kind, places[i].kind))
            return &places[i];
    return NULL;
}

static bool is_of(const struct doc *d, const char *kind)
{
    return slice_eq_cstr(doc_string(doc_get(d, SLICE("kind"))), kind);
}

/* What the other documents say of the place where it will run. */
static struct inject_config config_for(const struct walk *w, struct slice ns)
{
    const struct inject_files *files = w->files;
    struct inject_config config = *files->config;
    struct inject_namespace *space = arena_zalloc(w->arena, sizeof(*space));
    const struct doc **ranges =
        arena_alloc(w->arena, (files->settings.count + 1) * sizeof(*ranges));
    space->limit_ranges = ranges;
    for (size_t i = 0; i < files->settings.count; i++) {
        const struct doc *d = files->settings.items[i];
        struct slice name = doc_string(doc_find(d, "metadata.name"));
        struct slice of = doc_string(doc_find(d, "metadata.namespace"));
        if (is_of(d, "MeshConfig"))
            config.defaults = doc_find(d, "spec.sidecarDefaults");
        if (is_of(d, "LimitRange") && slice_eq(of.len ? of : files->fallback, ns))
            ranges[space->limit_range_count++] = doc_get(d, SLICE("spec"));
        if (is_of(d, "Namespace") && slice_eq(name, ns)) {
            space->annotations = doc_find(d, "metadata.annotations");
            space->labels = doc_find(d, "metadata.labels");
        }
    }
    config.space = space;
    return config;
}

static const struct doc *inject_object(const struct walk *w, const struct doc *d,
                                       const struct place *place)
{
    const struct doc *pod = doc_find(d, place->path), *out = d;
    struct slice ns = doc_string(doc_find(d, "metadata.namespace"));
    struct slice name = doc_string(doc_find(d, "metadata.name"));
    struct inject_result *result = arena_zalloc(w->arena, sizeof(*result));
    if (slice_is_empty(ns))
        ns = w->files->fallback;
    struct inject_config config = config_for(w, ns);
    inject_pod(&config, pod, ns, place->base, w->arena, result);
    if (result->verdict == INJECT_PATCHED && json_patch_apply(&result->patch, d, &out)) {
        result->verdict = INJECT_REFUSED;
        result->why = SLICE("its parts are not where they should be");
    }
    w->each(w->owner,
            arena_printf(w->arena, "%s %.*s%s%.*s", place->kind, SLICE_ARG(ns), ns.len ? "/" : "",
                         SLICE_ARG(name)),
            result);
    return out;
}

static const struct doc *visit(const struct walk *w, const struct doc *d, unsigned depth)
{
    const struct doc *items = doc_get(d, SLICE("items"));
    const struct place *place = find_place(d);
    if (place)
        return inject_object(w, d, place);
    if (!slice_eq(doc_string(doc_get(d, SLICE("kind"))), SLICE("List")) || !items ||
        items->type != DOC_ARRAY || depth == DEPTH_MAX)
        return d;
    struct doc *list = doc_make_copy(w->arena, d), *made = doc_make_array(w->arena);
    for (size_t i = 0; i < items->count; i++)
        doc_make_push(w->arena, made, visit(w, items->items[i], depth + 1));
    doc_make_put(w->arena, list, SLICE("items"), made);
    return list;
}

const struct doc *inject_document(const struct inject_files *files, const struct doc *d,
                                  struct arena *arena, inject_document_fn each, void *owner)
{
    struct walk w = {files, arena, each, owner};
    return visit(&w, d, 0);
}
