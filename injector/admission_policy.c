/* Reviews of policies and routes: read by the same schema as everywhere, with the same words. What
 * only the whole of a cluster can tell (a Service that does not exist) is not asked here: it may
 * come to exist. A route for Gateways may be somebody else's, who understands more of it: that one
 * is not refused but warned of, and its status says the rest. Pure.
 * Must not know any particular kind but for that.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "injector/admission.h"
#include "lib/codec/doc/doc_make.h"
#include "lib/codec/doc/doc_write.h"
#include "lib/inject/inject_option.h"
#include "policies/kinds/kind.h"
#include "policies/store/policy_set.h"
#include "sidecar/fit/fit.h"

enum { WARNINGS_MAX = 32, MESSAGE_MAX = 8192 };

/* "AuthorizationPolicy shop/a: spec.rules[0]: …" */
static struct slice format(struct arena *a, const struct diag *d)
{
    return arena_printf(a, "%.*s%s%.*s%s%.*s", SLICE_ARG(d->object), d->object.len ? ": " : "",
                        SLICE_ARG(d->path), d->path.len ? ": " : "", SLICE_ARG(d->text));
}

/* One line for each error; errors beyond the space for them are only counted. */
static struct slice join_errors(struct arena *a, const struct diag_list *diags)
{
    char *text = arena_alloc(a, MESSAGE_MAX);
    size_t len = 0, left = diags->errors;
    LIST_FOREACH(node, (struct list *)&diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        struct slice line = format(a, d);
        if (d->is_warning || len + line.len + 1 > MESSAGE_MAX - 64)
            continue;
        if (len)
            text[len++] = '\n';
        memcpy(text + len, line.ptr, line.len);
        len += line.len;
        left--;
    }
    struct slice all = slice_of(text, len);
    return left ? arena_printf(a, "%.*s\n… and %zu more", SLICE_ARG(all), left) : all;
}

/* errors: those too. */
static void take_warnings(struct arena *a, const struct diag_list *diags, bool errors,
                          struct admission_answer *answer)
{
    struct slice *warnings = arena_alloc(a, WARNINGS_MAX * sizeof(*warnings));
    size_t count = 0;
    LIST_FOREACH(node, (struct list *)&diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if ((d->is_warning || errors) && count < WARNINGS_MAX)
            warnings[count++] = format(a, d);
    }
    answer->warnings = warnings;
    answer->warning_count = count;
}

/* Objects that are to get a name of the API server's making have none yet. */
static const struct doc *with_name(struct arena *a, const struct doc *object)
{
    const struct doc *metadata = doc_get(object, SLICE("metadata"));
    struct slice prefix = doc_string(doc_get(metadata, SLICE("generateName")));
    if (doc_string(doc_get(metadata, SLICE("name"))).len || slice_is_empty(prefix))
        return object;
    struct doc *named = doc_make_copy(a, object), *inner = doc_make_copy(a, metadata);
    doc_make_put_string(a, inner, "name", arena_printf(a, "%.*sx", SLICE_ARG(prefix)));
    doc_make_put(a, named, SLICE("metadata"), inner);
    return named;
}

/* Of our own group, or a route of the mesh. */
static bool is_ours(const struct doc *object)
{
    const struct doc *parents = doc_find(object, "spec.parentRefs");
    if (kind_is_own_group(doc_string(doc_get(object, SLICE("apiVersion")))))
        return true;
    for (size_t i = 0; parents && parents->type == DOC_ARRAY && i < parents->count; i++)
        if (slice_eq(doc_string(doc_get(parents->items[i], SLICE("kind"))), SLICE("Service")))
            return true;
    return false;
}

static struct slice to_text(struct arena *a, const struct doc *object)
{
    struct buf text;
    struct json_write w;
    buf_init(&text);
    json_write_init(&w, &text);
    doc_write_json(&w, object);
    return buf_take_into(&text, a);
}

/* Whether a data plane would take what comes of it. What it refers to is not here, so what spans
 * objects is not asked. */
static enum err check_fit(struct policy_set *set, struct diag_list *errors)
{
    struct diag_list ignored;
    diag_list_init(&ignored);
    enum err e = policy_set_finish(set, &ignored);
    diag_list_dispose(&ignored);
    if (e)
        return ERR_OK;
    return fit_check_set(set, errors, NULL) ? (enum err)ERR_INVALID : ERR_OK;
}

/* A namespace is not ours to refuse: its owner is told, before its pods are. */
static void judge_namespace(const struct admission_request *r, struct arena *arena,
                            struct admission_answer *answer)
{
    const struct doc *annotations = doc_find(r->object, "metadata.annotations");
    struct slice *warnings = arena_alloc(arena, WARNINGS_MAX * sizeof(*warnings));
    size_t count = 0;
    for (; count < WARNINGS_MAX; count++) {
        struct slice fault = inject_option_fault(annotations, count, arena);
        if (slice_is_empty(fault))
            break;
        warnings[count] = arena_printf(arena, "%.*s (it is for new pods of this namespace)",
                                       SLICE_ARG(fault));
    }
    answer->outcome = ADMISSION_ALLOWED;
    answer->warnings = warnings;
    answer->warning_count = count;
}

void admission_policy_judge(const struct admission_request *r, struct arena *arena,
                            struct admission_answer *answer)
{
    struct diag_list diags;
    answer->outcome = ADMISSION_SKIPPED;
    if (!r->object || !kind_find(doc_string(doc_get(r->object, SLICE("apiVersion"))),
                                 doc_string(doc_get(r->object, SLICE("kind")))))
        return;
    if (slice_eq(doc_string(doc_get(r->object, SLICE("kind"))), SLICE("Namespace"))) {
        judge_namespace(r, arena, answer);
        return;
    }
    struct slice text = to_text(arena, with_name(arena, r->object));
    struct policy_set *set = policy_set_create();
    diag_list_init(&diags);
    enum err e = policy_set_add_text(set, (struct slice){NULL, 0}, text, &diags);
    if (!e)
        e = check_fit(set, &diags);
    bool refused = e && is_ours(r->object);
    answer->outcome = refused ? ADMISSION_REFUSED : ADMISSION_ALLOWED;
    if (refused)
        answer->message = join_errors(arena, &diags);
    take_warnings(arena, &diags, e && !refused, answer);
    diag_list_dispose(&diags);
    policy_set_destroy(set);
}
