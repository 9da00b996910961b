/* Texts into checked objects: which kind a document is, its schema, and the list it joins.
 * Control thread. Must not know what is made of the objects.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policy_set.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/codec/doc_yaml.h"
#include "policies/policy_index.h"

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

static void complain(struct intake *in, const struct doc *root, bool is_warning, const char *path,
                     struct slice object, const char *format, ...)
    __attribute__((format(printf, 6, 7)));

static void complain(struct intake *in, const struct doc *root, bool is_warning, const char *path,
                     struct slice object, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const struct doc *at = doc_find(root, path);
    struct diag what = {.file = in->file,
                        .line = at     ? at->line
                                : root ? root->line
                                       : 0,
                        .object = object,
                        .path = slice_from_cstr(path),
                        .is_warning = is_warning};
    diag_add(in->diags, &what, "%s", text);
    in->errors += !is_warning;
}

static const struct kind *find_kind_named(struct slice name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (slice_eq_cstr(name, kind_all[i]->name))
            return kind_all[i];
    return NULL;
}

static void refuse_unknown_kind(struct intake *in, const struct doc *root, struct slice api_version,
                                struct slice kind, const char *hint)
{
    char known[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < KIND_COUNT && used < sizeof known; i++)
        if (strcmp(kind_all[i]->group, KIND_GROUP_WEFT) == 0)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "",
                                     kind_all[i]->name);
    complain(in, root, false, "kind", (struct slice){0}, "there is no kind %.*s in %.*s%s%s",
             SLICE_ARG(kind), SLICE_ARG(api_version),
             *hint ? hint : "; there are: ", *hint ? "" : known);
}

/* A document of a kind that we do not read: mostly none of our business, but say so. */
static void skip_foreign(struct intake *in, const struct doc *root, struct slice api_version,
                         struct slice kind)
{
    const struct kind *namesake = find_kind_named(kind);
    char hint[160] = "";
    if (namesake)
        snprintf(hint, sizeof hint, "; did you mean apiVersion %s%s%s?", namesake->group,
                 *namesake->group ? "/" : "", namesake->versions[0]);
    if (kind_is_own_group(api_version))
        refuse_unknown_kind(in, root, api_version, kind, hint);
    else
        complain(in, root, true, "kind", (struct slice){0}, "%.*s %.*s is not read here%s",
                 SLICE_ARG(api_version), SLICE_ARG(kind), hint);
}

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
        complain(in, root, false, "", (struct slice){0}, "a document must be an object, not %s",
                 doc_type_name(root->type));
        return;
    }
    if (!api_version.len || !name.len) {
        complain(in, root, false, api_version.len ? "kind" : "apiVersion", (struct slice){0},
                 "is required: every document says its apiVersion and kind");
        return;
    }
    if (slice_eq_cstr(api_version, "v1") && slice_eq_cstr(name, "List")) {
        const struct doc *items = doc_get(root, SLICE("items"));
        if (!items || items->type != DOC_ARRAY || depth == NESTED_LISTS_MAX)
            complain(in, root, false, "items", (struct slice){0}, "must be a list of objects");
        else
            for (size_t i = 0; i < items->count; i++)
                read_root(in, items->items[i], depth + 1);
        return;
    }
    const struct kind *kind = kind_find(api_version, name);
    if (kind)
        read_object(in, kind, root);
    else
        skip_foreign(in, root, api_version, name);
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
