/* What single objects of Kubernetes say about themselves, and how to mend what the API server
 * refuses. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/civil.h"
#include "lib/base/mem.h"
#include "lib/inject/inject.h"
#include "weftctl/check/check_priv.h"

struct slice judge_string(const struct doc *d, const char *path)
{
    return doc_string(doc_find(d, path));
}

int64_t judge_int(const struct doc *d, const char *path)
{
    const struct doc *n = doc_find(d, path);
    return n && n->type == DOC_INT ? n->integer : 0;
}

bool judge_bool(const struct doc *d, const char *path)
{
    const struct doc *b = doc_find(d, path);
    return b && b->type == DOC_BOOL && b->boolean;
}

static size_t count_of(const struct doc *array)
{
    return array && array->type == DOC_ARRAY ? array->count : 0;
}

const struct doc *judge_condition(const struct doc *object, const char *type)
{
    const struct doc *all = doc_find(object, "status.conditions");
    for (size_t i = 0; i < count_of(all); i++)
        if (slice_eq_cstr(judge_string(all->items[i], "type"), type))
            return all->items[i];
    return NULL;
}

bool judge_is_true(const struct doc *object, const char *condition)
{
    return slice_eq(judge_string(judge_condition(object, condition), "status"), SLICE("True"));
}

bool judge_is_rolled_out(const struct doc *o)
{
    int64_t wanted = judge_int(o, "spec.replicas");
    return judge_int(o, "status.observedGeneration") >= judge_int(o, "metadata.generation") &&
           judge_int(o, "status.updatedReplicas") == wanted &&
           judge_int(o, "status.replicas") == wanted &&
           judge_int(o, "status.availableReplicas") == wanted;
}

int64_t judge_time_ms(struct slice text)
{
    int64_t ms;
    return civil_read(text, &ms) ? 0 : ms;
}

/* ---- is it as it was installed ---- */

static bool is_equal_scalar(const struct doc *a, const struct doc *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case DOC_BOOL:
        return a->boolean == b->boolean;
    case DOC_INT:
        return a->integer == b->integer;
    case DOC_FLOAT:
        return a->number == b->number;
    case DOC_STRING:
        return slice_eq(a->string, b->string);
    default:
        return true;
    }
}

static bool is_part(struct arena *a, const struct doc *part, const struct doc *whole,
                    struct slice at, struct slice *path)
{
    *path = at;
    if (!whole)
        return false;
    if (part->type == DOC_OBJECT && whole->type == DOC_OBJECT) {
        for (size_t i = 0; i < part->count; i++) {
            struct slice key = part->members[i].key;
            if (!is_part(a, part->members[i].value, doc_get(whole, key),
                         arena_printf(a, "%.*s%s%.*s", SLICE_ARG(at), at.len ? "." : "",
                                      SLICE_ARG(key)),
                         path))
                return false;
        }
        return true;
    }
    if (part->type == DOC_ARRAY && whole->type == DOC_ARRAY) {
        if (part->count != whole->count)
            return false;
        for (size_t i = 0; i < part->count; i++)
            if (!is_part(a, part->items[i], whole->items[i],
                         arena_printf(a, "%.*s[%zu]", SLICE_ARG(at), i), path))
                return false;
        return true;
    }
    return is_equal_scalar(part, whole);
}

bool judge_is_part(struct arena *a, const struct doc *part, const struct doc *whole,
                   struct slice *path)
{
    return is_part(a, part, whole, SLICE(""), path);
}

/* ---- pods ---- */

const struct doc *judge_container(const struct doc *pod, const char *list, const char *name)
{
    const struct doc *all = doc_find(pod, list);
    for (size_t i = 0; i < count_of(all); i++)
        if (slice_eq_cstr(judge_string(all->items[i], "name"), name))
            return all->items[i];
    return NULL;
}

static bool is_image_reason(struct slice reason)
{
    static const char *const reasons[] = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName",
                                          "ErrImageNeverPull", "ImageInspectError"};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (slice_eq_cstr(reason, reasons[i]))
            return true;
    return false;
}

/* Why this container does not run; empty: it does, or will in a moment. */
static struct slice container_trouble(struct arena *a, const struct doc *status,
                                      struct slice *image)
{
    struct slice name = judge_string(status, "name");
    struct slice reason = judge_string(status, "state.waiting.reason");
    const struct doc *last = doc_find(status, "lastState.terminated");
    bool is_starting = slice_eq(reason, SLICE("ContainerCreating")) ||
                       slice_eq(reason, SLICE("PodInitializing"));
    if (is_image_reason(reason)) {
        *image = judge_string(status, "image");
        return arena_printf(a, "container %.*s: %.*s, image %.*s", SLICE_ARG(name),
                            SLICE_ARG(reason), SLICE_ARG(*image));
    }
    if (last && (reason.len && !is_starting))
        return arena_printf(a, "container %.*s: %.*s, it ended with status %lld (%.*s)",
                            SLICE_ARG(name), SLICE_ARG(reason),
                            (long long)judge_int(last, "exitCode"),
                            SLICE_ARG(judge_string(last, "reason")));
    if (reason.len && !is_starting)
        return arena_printf(a, "container %.*s: %.*s %.*s", SLICE_ARG(name), SLICE_ARG(reason),
                            SLICE_ARG(judge_string(status, "state.waiting.message")));
    return (struct slice){NULL, 0};
}

struct slice judge_pod_trouble(struct arena *a, const struct doc *pod, struct slice *image)
{
    static const char *const lists[] = {"status.initContainerStatuses", "status.containerStatuses"};
    *image = (struct slice){NULL, 0};
    const struct doc *scheduled = judge_condition(pod, "PodScheduled");
    if (slice_eq(judge_string(scheduled, "status"), SLICE("False")))
        return arena_printf(a, "it finds no node: %.*s",
                            SLICE_ARG(judge_string(scheduled, "message")));
    for (size_t l = 0; l < 2; l++) {
        const struct doc *all = doc_find(pod, lists[l]);
        for (size_t i = 0; i < count_of(all); i++) {
            struct slice why = container_trouble(a, all->items[i], image);
            if (why.len)
                return why;
        }
    }
    return (struct slice){NULL, 0};
}

const char *judge_data_plane(const struct doc *pod)
{
    if (judge_container(pod, "spec.initContainers", INJECT_SIDECAR_NAME) ||
        judge_container(pod, "spec.containers", INJECT_SIDECAR_NAME))
        return INJECT_SIDECAR_NAME;
    bool is_gateway =
        doc_find(pod, "metadata.labels[\"gateway.networking.k8s.io/gateway-name\"]") != NULL;
    return is_gateway && judge_container(pod, "spec.containers", "weft-gateway") ? "weft-gateway"
                                                                                 : NULL;
}

/* ---- refusals ---- */

static bool says(struct slice text, const char *what)
{
    return slice_find(text, slice_from_cstr(what)) < text.len;
}

/* The word behind `mark`, up to a comma, colon or blank. */
static struct slice word_behind(struct slice text, const char *mark)
{
    size_t at = slice_find(text, slice_from_cstr(mark)) + strlen(mark), end = at;
    while (end < text.len && !strchr(",: \"", text.ptr[end]))
        end++;
    return at < text.len ? slice_sub(text, at, end - at) : SLICE("NAME");
}

struct slice judge_refusal_cure(struct arena *a, struct slice message, struct slice space,
                                struct slice owner)
{
    if (says(message, "exceeded quota: "))
        return arena_printf(a, "kubectl -n %.*s edit resourcequota %.*s", SLICE_ARG(space),
                            SLICE_ARG(word_behind(message, "exceeded quota: ")));
    if (says(message, "failed quota: "))
        return arena_printf(a, "kubectl -n %.*s edit resourcequota %.*s", SLICE_ARG(space),
                            SLICE_ARG(word_behind(message, "failed quota: ")));
    if (says(message, "violates PodSecurity"))
        return arena_printf(a,
                            "kubectl label namespace %.*s "
                            "pod-security.kubernetes.io/enforce=privileged --overwrite "
                            "# or annotate the pods weft.dev/redirect: none",
                            SLICE_ARG(space));
    if (says(message, "failed calling webhook") && says(message, "weft.dev"))
        return SLICE("weftctl install");
    if (says(message, "LimitRange") || says(message, "usage per Container") ||
        says(message, "usage per Pod") || says(message, "limit to request ratio"))
        return arena_printf(a, "kubectl -n %.*s edit limitrange", SLICE_ARG(space));
    if (says(message, "denied the request"))
        return arena_printf(a, "kubectl -n %.*s edit %.*s", SLICE_ARG(space), SLICE_ARG(owner));
    return arena_printf(a, "kubectl -n %.*s describe %.*s", SLICE_ARG(space), SLICE_ARG(owner));
}
