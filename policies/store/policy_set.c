/* Texts into checked objects: which kind a document is, its schema, and the list it joins.
 * Control thread. Must not know what is made of the objects.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/store/policy_set.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_yaml.h"
#include "policies/store/foreign.h"
#include "policies/store/policy_index.h"

enum { ARENA_BLOCK = 16384, NESTED_LISTS_MAX = 3 };

/* One text being read; its objects join the set when all of them are good. */
struct intake {
    struct policy_set *set;
    struct slice file; /* in the set's arena */
    struct diag_list *diags;
    struct object_list fresh;
    unsigned errors;
};

struct policy_set *policy_set_create(void)
{
    struct policy_set *s = mem_zalloc(sizeof *s);
    arena_init(&s->arena, ARENA_BLOCK);
    for (size_t i = 0; i < KIND_COUNT; i++)
        map_init(&s->by_name[i]);
    for (size_t i = 0; i < POLICY_GROUP_COUNT; i++)
        map_init(&s->groups[i]);
    map_init(&s->pods_by_ip);
    map_init(&s->services_by_ip);
    map_init(&s->services_by_external);
    return s;
}

void policy_set_destroy(struct policy_set *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        mem_free(s->all[i].items);
        map_dispose(&s->by_name[i]);
    }
    for (size_t i = 0; i < POLICY_GROUP_COUNT; i++)
        map_dispose(&s->groups[i]);
    mem_free(s->templates.items);
    map_dispose(&s->pods_by_ip);
    map_dispose(&s->services_by_ip);
    map_dispose(&s->services_by_external);
    arena_dispose(&s->arena);
    mem_free(s);
}

void policy_set_append(struct object_list *list, const struct object *o)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? list->capacity * 2 : 16;
        list->items = mem_realloc(list->items, list->capacity * sizeof *list->items);
    }
    list->items[list->count++] = o;
}

static void complain(struct intake *in, const struct doc *root, enum finding finding,
                     const char *path, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* FINDING_INVALID refuses the file; everything else is a warning. */
static void complain(struct intake *in, const struct doc *root, enum finding finding,
                     const char *path, const char *format, ...)
{
    char text[600];
    bool is_warning = finding != FINDING_INVALID;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct doc *at = doc_find(root, path);
    struct diag what = {.file = in->file,
                        .line = at     ? at->line
                                : root ? root->line
                                       : 0,
                        .path = slice_from_cstr(path),
                        .finding = finding,
                        .is_warning = is_warning};
    diag_add(in->diags, &what, "%s", text);
    in->errors += !is_warning;
}

/* ---- kinds that are not read ---- */

static const struct kind *find_kind_named(struct slice name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (slice_eq_cstr(name, kind_all[i]->name))
            return kind_all[i];
    return NULL;
}

static struct slice group_of(struct slice api_version)
{
    size_t slash = slice_find_byte(api_version, '/');
    return slash < api_version.len ? slice_sub(api_version, 0, slash) : SLICE("");
}

/* A kind or version that the group does not have: "did you mean", or what there is. */
static void refuse_unknown_kind(struct intake *in, const struct doc *root, struct slice api_version,
                                struct slice name, const struct kind *meant)
{
    char hint[200];
    size_t used = 0;
    if (meant && slice_eq_cstr(name, meant->name))
        snprintf(hint, sizeof hint, "did you mean apiVersion %s/%s?", meant->group,
                 meant->versions[0]);
    else if (meant)
        snprintf(hint, sizeof hint, "did you mean %s?", meant->name);
    else
        used = (size_t)snprintf(hint, sizeof hint, "there are: ");
    for (size_t i = 0; used && i < KIND_COUNT && used < sizeof hint; i++)
        if (slice_eq_cstr(group_of(api_version), kind_all[i]->group))
            used += (size_t)snprintf(hint + used, sizeof hint - used, "%s%s",
                                     hint[used - 1] == ' ' ? "" : ", ", kind_all[i]->name);
    complain(in, root, FINDING_INVALID, "kind", "there is no kind %.*s in %.*s; %s",
             SLICE_ARG(name), SLICE_ARG(api_version), hint);
}

/* Of another product, and people rely on what it does. */
static void tell_foreign(struct intake *in, const struct doc *root, const struct foreign *f,
                         struct slice api_version, struct slice name)
{
    if (f->protects)
        complain(in, root, FINDING_FOREIGN_PROTECTION, "kind",
                 "%.*s %.*s is not supported, so nothing enforces it; use %s",
                 SLICE_ARG(api_version), SLICE_ARG(name), f->instead);
    else
        complain(in, root, FINDING_FOREIGN_KIND, "kind",
                 "%.*s %.*s is not supported; use %s", SLICE_ARG(api_version),
                 SLICE_ARG(name), f->instead);
}

/* A document of a kind that we do not read: mostly none of our business, but say so. */
static void skip_foreign(struct intake *in, const struct doc *root, struct slice api_version,
                         struct slice name)
{
    struct slice group = group_of(api_version);
    const struct kind *namesake = find_kind_named(name), *near = foreign_nearest(name);
    const struct foreign *f = foreign_find(group, name);
    bool is_gateway = slice_eq_cstr(group, KIND_GROUP_GATEWAY);
    if (kind_is_own_group(api_version) || (is_gateway && near && slice_eq_cstr(group, near->group)))
        refuse_unknown_kind(in, root, api_version, name,
                            near && slice_eq_cstr(group, near->group) ? near : NULL);
    else if (f)
        tell_foreign(in, root, f, api_version, name);
    else if (namesake)
        complain(in, root, FINDING_NEAR_KIND, "kind",
                 "%.*s %.*s is not supported; did you mean apiVersion %s%s%s?",
                 SLICE_ARG(api_version), SLICE_ARG(name), namesake->group,
                 *namesake->group ? "/" : "", namesake->versions[0]);
    else if (near && slice_eq_cstr(group, near->group))
        complain(in, root, FINDING_NEAR_KIND, "kind",
                 "%.*s %.*s is not supported; did you mean %s?", SLICE_ARG(api_version),
                 SLICE_ARG(name), near->name);
    else
        complain(in, root, FINDING_UNREAD_KIND, "kind", "%.*s %.*s is not supported",
                 SLICE_ARG(api_version), SLICE_ARG(name));
}

/* ---- pods to be ---- */

static struct schema_list read_pairs(struct arena *arena, const struct doc *map)
{
    struct schema_list list = {0};
    if (!map || map->type != DOC_OBJECT || !map->count)
        return list;
    struct schema_pair *pairs = arena_zalloc(arena, map->count * sizeof *pairs);
    for (size_t i = 0; i < map->count; i++) {
        const struct doc *value = map->members[i].value;
        if (value->type == DOC_STRING)
            pairs[list.count++] = (struct schema_pair){arena_copy(arena, map->members[i].key),
                                                       arena_copy(arena, value->string)};
    }
    list.items = pairs;
    list.present = true;
    return list;
}

/* The pods that a Deployment, a Job and the like would have: selectors in a folder mean them. */
static void take_template(struct intake *in, const struct doc *root, struct slice name)
{
    struct arena *arena = &in->set->arena;
    const struct doc *template = doc_find(root, "spec.template");
    if (!template)
        template = doc_find(root, "spec.jobTemplate.spec.template");
    const struct doc *meta = doc_get(template, SLICE("metadata"));
    struct slice ns = doc_string(doc_find(root, "metadata.namespace"));
    struct slice own = doc_string(doc_find(root, "metadata.name"));
    if (!doc_find(template, "spec.containers"))
        return;
    struct object *o = arena_zalloc(arena, sizeof *o);
    o->kind = kind_all[KIND_POD];
    o->file = in->file;
    o->line = meta ? meta->line : root->line;
    o->meta.name = arena_copy(arena, own);
    o->meta.namespace_name = ns.len ? arena_copy(arena, ns) : SLICE("default");
    o->meta.labels = read_pairs(arena, doc_get(meta, SLICE("labels")));
    o->meta.annotations = read_pairs(arena, doc_get(meta, SLICE("annotations")));
    o->text = arena_printf(arena, "%.*s %.*s/%.*s", SLICE_ARG(name),
                           SLICE_ARG(o->meta.namespace_name), SLICE_ARG(own));
    policy_set_append(&in->set->templates, o);
}

/* ---- objects ---- */

static struct slice name_object(struct arena *arena, const struct kind *kind,
                                const struct doc *root)
{
    struct slice name = doc_string(doc_find(root, "metadata.name"));
    struct slice ns = doc_string(doc_find(root, "metadata.namespace"));
    if (!name.ptr)
        name = SLICE("(unnamed)");
    if (kind->is_cluster_scoped)
        return arena_printf(arena, "%s %.*s", kind->name, SLICE_ARG(slice_sub(name, 0, 253)));
    if (!ns.ptr)
        ns = SLICE("default");
    return arena_printf(arena, "%s %.*s/%.*s", kind->name, SLICE_ARG(slice_sub(ns, 0, 63)),
                        SLICE_ARG(slice_sub(name, 0, 253)));
}

static void read_object(struct intake *in, const struct kind *kind, const struct doc *root)
{
    struct policy_set *s = in->set;
    struct object *o = arena_alloc(&s->arena, kind->schema->size);
    struct schema_run run = {
        .arena = &s->arena,
        .diags = in->diags,
        .file = in->file,
        .object = name_object(&s->arena, kind, root),
    };
    schema_parse(&run, kind->schema, root, o);
    in->errors += run.errors;
    o->kind = kind;
    o->file = in->file;
    o->text = run.object;
    o->line = root->line;
    o->order = s->order++;
    if (kind->is_cluster_scoped)
        o->meta.namespace_name = SLICE("");
    policy_set_append(&in->fresh, o);
}

static void read_root(struct intake *in, const struct doc *root, unsigned depth)
{
    struct slice api_version = doc_string(doc_get(root, SLICE("apiVersion")));
    struct slice name = doc_string(doc_get(root, SLICE("kind")));
    if (root->type != DOC_OBJECT) {
        complain(in, root, FINDING_INVALID, "", "a document must be an object, not %s",
                 doc_type_name(root->type));
        return;
    }
    if (!api_version.len || !name.len) {
        complain(in, root, FINDING_INVALID, api_version.len ? "kind" : "apiVersion",
                 "is required: every document says its apiVersion and kind");
        return;
    }
    if (slice_eq_cstr(api_version, "v1") && slice_eq_cstr(name, "List")) {
        const struct doc *items = doc_get(root, SLICE("items"));
        if (!items || items->type != DOC_ARRAY || depth == NESTED_LISTS_MAX)
            complain(in, root, FINDING_INVALID, "items", "must be a list of objects");
        else
            for (size_t i = 0; i < items->count; i++)
                read_root(in, items->items[i], depth + 1);
        return;
    }
    const struct kind *kind = kind_find(api_version, name);
    if (kind) {
        read_object(in, kind, root);
    } else {
        skip_foreign(in, root, api_version, name);
        take_template(in, root, name);
    }
}

enum err policy_set_add_text(struct policy_set *s, struct slice file, struct slice text,
                             struct diag_list *diags)
{
    struct intake in = {.set = s, .file = arena_copy(&s->arena, file), .diags = diags};
    struct arena docs;
    struct doc_list list;
    struct doc_error error;
    if (s->is_finished)
        return ERR_INVALID;
    arena_init(&docs, ARENA_BLOCK);
    if (doc_yaml_parse(text, &docs, &list, &error)) {
        struct diag what = {.file = file, .line = error.line};
        diag_add(diags, &what, "%s", error.text);
        in.errors++;
    }
    bool is_parsed = in.errors == 0;
    for (size_t i = 0; is_parsed && i < list.count; i++)
        read_root(&in, list.items[i], 0);
    for (size_t i = 0; !in.errors && i < in.fresh.count; i++)
        policy_set_append(&s->all[in.fresh.items[i]->kind->id], in.fresh.items[i]);
    mem_free(in.fresh.items);
    arena_dispose(&docs);
    return in.errors ? ERR_INVALID : ERR_OK;
}

enum err policy_set_finish(struct policy_set *s, struct diag_list *diags)
{
    unsigned before = diags->errors;
    if (s->is_finished)
        return ERR_INVALID;
    s->is_finished = true;
    policy_index_build(s, diags);
    return diags->errors > before ? ERR_INVALID : ERR_OK;
}

size_t policy_set_count(const struct policy_set *s)
{
    size_t count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++)
        for (size_t j = 0; j < s->all[i].count; j++)
            count += !s->all[i].items[j]->origin;
    return count;
}

void policy_set_complain(struct diag_list *diags, const struct object *o, unsigned line,
                         bool is_warning, const char *path, enum finding finding,
                         const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    struct diag what = {.file = o->file,
                        .line = line ? line : o->line,
                        .object = o->text,
                        .path = slice_from_cstr(path),
                        .finding = finding,
                        .is_warning = is_warning};
    diag_add(diags, &what, "%s", text);
}
