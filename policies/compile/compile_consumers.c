/* Consumers and what they prove who they are with, for data planes with filters that ask. Of two in
 * one namespace that show the same, the older is let in. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "policies/compile/compile_priv.h"
#include "policies/compile/material.h"
#include "policies/kinds/consumer_object.h"

/* ---- whose ---- */

void compile_consumers_need(struct compile *c, struct slice namespaces)
{
    struct slice one;
    while (namespaces.len && slice_split(&namespaces, ',', &one))
        map_put(&c->consumers, one, c);
}

static bool is_needed(const struct compile *c, const struct object *o)
{
    return map_get(&c->consumers, SLICE("*")) || map_get(&c->consumers, o->meta.namespace_name);
}

/* ---- one credential ---- */

/* All consumers, the oldest first. */
struct walk {
    struct compile *c;
    const struct consumer_object *at;
    struct map taken; /* type, namespace and lookup -> the consumer that has it */
    bool says_taken_only;
};

static struct slice resolve(struct credential_build *b, enum schema_ref_kind kind,
                            const struct schema_ref *ref)
{
    const struct walk *w = b->owner;
    const struct object *from = &w->at->object;
    struct material found;
    enum material_fault fault =
        material_resolve(w->c->set, from, kind, ref, w->c->arena, &found);
    if (!fault)
        return found.bytes;
    struct slice why = material_explain(w->c->arena, w->c->set, from, kind, ref, fault);
    credential_refuse(b, "%.*s", SLICE_ARG(why));
    return (struct slice){NULL, 0};
}

static void say(const struct walk *w, const struct consumer_credential_spec *from, bool is_taken,
                struct slice why)
{
    size_t index = (size_t)(from - (const struct consumer_credential_spec *)
                                       w->at->spec.credentials.items);
    struct slice path = arena_printf(w->c->arena, "spec.credentials[%zu].%s", index,
                                     credential_name(consumer_chosen(from)));
    if (is_taken || !w->says_taken_only)
        compile_build_note(w->c, &w->at->object, from->line, arena_strdup(w->c->arena, path),
                           is_taken ? FINDING_CREDENTIAL_TAKEN : FINDING_CREDENTIAL_REFERENCE,
                           "%.*s: %s let in by it", SLICE_ARG(why),
                           is_taken ? "only that one is" : "nobody is");
}

/* A lookup may be any bytes. */
static struct slice claim_key(struct arena *arena, enum credential_type type,
                              struct slice namespace_name, struct slice lookup)
{
    struct slice head =
        arena_printf(arena, "%d/%.*s/", (int)type, SLICE_ARG(namespace_name));
    char *key = arena_alloc(arena, head.len + lookup.len);
    memcpy(key, head.ptr, head.len);
    memcpy(key + head.len, lookup.ptr, lookup.len);
    return slice_of(key, head.len + lookup.len);
}

/* False: somebody older has it, which is said, or this one itself. */
static bool claim(struct walk *w, const struct consumer_credential_spec *from,
                  enum credential_type type, struct slice lookup)
{
    const struct object *own = &w->at->object;
    struct slice key = claim_key(w->c->arena, type, own->meta.namespace_name, lookup);
    const struct consumer_object *first = map_get(&w->taken, key);
    if (!first) {
        map_put(&w->taken, key, (void *)(uintptr_t)w->at);
        return true;
    }
    if (first != w->at)
        say(w, from, true,
            arena_printf(w->c->arena, "%.*s shows the same, and is older",
                         SLICE_ARG(first->object.text)));
    return false;
}

static ProtobufCBinaryData bytes_of(struct compile *c, struct slice bytes)
{
    struct slice copy = arena_copy(c->arena, bytes);
    return (ProtobufCBinaryData){copy.len, (uint8_t *)(uintptr_t)copy.ptr};
}

/* NULL: it cannot be used, which is said. */
static PB(Credential) * make(struct walk *w, const struct consumer_credential_spec *from)
{
    struct compile *c = w->c;
    const struct object *o = &w->at->object;
    enum credential_type type = consumer_chosen(from);
    struct credential_made made = {0};
    struct credential_build b = {
        .arena = c->arena,
        .consumer = arena_printf(c->arena, "%.*s/%.*s", SLICE_ARG(o->meta.namespace_name),
                                 SLICE_ARG(o->meta.name)),
        .username = consumer_username(w->at),
        .resolve = resolve,
        .owner = w,
    };
    if (!credential_kinds[type]->make(&b, from->types[type], &made)) {
        say(w, from, false, slice_from_cstr(b.why));
        return NULL;
    }
    if (!claim(w, from, type, made.lookup))
        return NULL;
    PB(Credential) *to = PB_NEW(c, Credential, credential);
    to->type = compile_build_text(c, slice_from_cstr(credential_name(type)));
    to->lookup = bytes_of(c, made.lookup);
    to->secret = bytes_of(c, made.secret);
    to->algorithm = compile_build_text(c, made.algorithm);
    to->id = compile_build_text(c, made.id);
    return to;
}

/* ---- consumers ---- */

static int by_age(const void *a, const void *b)
{
    return policy_index_compare_age(*(const struct object *const *)a,
                                    *(const struct object *const *)b);
}

static void walk_begin(struct walk *w, struct compile *c)
{
    *w = (struct walk){.c = c};
    map_init(&w->taken);
}

static const struct object **sorted(const struct compile *c, size_t *count)
{
    const struct object_list *all = &c->set->all[KIND_CONSUMER];
    const struct object **items = mem_alloc((all->count + 1) * sizeof(struct object *));
    *count = all->count;
    for (size_t i = 0; i < all->count; i++)
        items[i] = all->items[i];
    qsort(items, all->count, sizeof(struct object *), by_age);
    return items;
}

static void emit(struct walk *w)
{
    struct compile *c = w->c;
    const struct metadata *meta = &w->at->object.meta;
    PB(Consumer) *to = PB_NEW(c, Consumer, consumer);
    to->username = compile_build_text(c, consumer_username(w->at));
    to->custom_id = compile_build_text(c, w->at->spec.custom_id);
    to->created = meta->created;
    for (SCHEMA_EACH(w->at->spec.groups, struct slice, group))
        PB_PUSH(c, to, groups, compile_build_text(c, *group));
    for (SCHEMA_EACH(w->at->spec.credentials, struct consumer_credential_spec, from)) {
        PB(Credential) *credential = make(w, from);
        if (credential)
            PB_PUSH(c, to, credentials, credential);
    }
    compile_chain_consumer(c, &w->at->object, to);
    compile_build_resource(c,
                           compile_build_format(c, "consumer/%.*s/%.*s",
                                                SLICE_ARG(meta->namespace_name),
                                                SLICE_ARG(meta->name)),
                           WEFT__CONFIG__V1__RESOURCE__BODY_CONSUMER, to);
}

void compile_consumers_emit(struct compile *c)
{
    struct walk w;
    size_t count;
    if (!c->consumers.count)
        return;
    const struct object **all = sorted(c, &count);
    walk_begin(&w, c);
    for (size_t i = 0; i < count; i++) {
        w.at = (const struct consumer_object *)(const void *)all[i];
        if (is_needed(c, all[i]))
            emit(&w);
    }
    map_dispose(&w.taken);
    mem_free(all);
}

void compile_consumers_note_conflicts(struct compile *c)
{
    struct walk w;
    size_t count;
    const struct object **all = sorted(c, &count);
    walk_begin(&w, c);
    w.says_taken_only = true;
    for (size_t i = 0; i < count; i++) {
        w.at = (const struct consumer_object *)(const void *)all[i];
        for (SCHEMA_EACH(w.at->spec.credentials, struct consumer_credential_spec, from))
            make(&w, from);
    }
    map_dispose(&w.taken);
    mem_free(all);
}
