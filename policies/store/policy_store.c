/* Objects by kind and name, and the set over them. The set borrows the objects and is made anew
 * when it is asked for after a change; what the index refuses is left out and it is tried again.
 * Control thread. Must not know where objects come from. SPDX-License-Identifier: GPL-3.0-or-later
 */
#include "policies/store/policy_store.h"

#include <stdio.h>

#include "lib/base/mem.h"
#include "policies/store/policy_index.h"
#include "policies/store/stored_object.h"

enum { KEY_MAX = 600, SCRATCH_BLOCK = 65536, TRIES = 8 };

struct policy_store {
    struct map objects[KIND_COUNT]; /* "namespace/name" -> struct stored_object */
    uint32_t round[KIND_COUNT];
    struct policy_set *set; /* NULL: to be made */
    struct arena scratch;
    uint64_t generation;
    policy_store_change_fn changed;
    void *owner;
    bool has_clashes;
};

struct policy_store *policy_store_create(void)
{
    struct policy_store *s = mem_zalloc(sizeof *s);
    for (size_t i = 0; i < KIND_COUNT; i++)
        map_init(&s->objects[i]);
    arena_init(&s->scratch, SCRATCH_BLOCK);
    return s;
}

void policy_store_destroy(struct policy_store *s)
{
    struct slice key;
    void *value;
    policy_set_destroy(s->set);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        for (size_t at = 0; map_next(&s->objects[i], &at, &key, &value);)
            stored_object_destroy(value);
        map_dispose(&s->objects[i]);
    }
    arena_dispose(&s->scratch);
    mem_free(s);
}

void policy_store_observe(struct policy_store *s, policy_store_change_fn changed, void *owner)
{
    s->changed = changed;
    s->owner = owner;
}

static struct slice key_of(char key[KEY_MAX], const struct kind *kind, struct slice namespace_name,
                           struct slice name)
{
    struct slice ns = kind->is_cluster_scoped ? SLICE("") : slice_sub(namespace_name, 0, 253);
    int len =
        snprintf(key, KEY_MAX, "%.*s/%.*s", SLICE_ARG(ns), SLICE_ARG(slice_sub(name, 0, 253)));
    return slice_of(key, (size_t)len);
}

static void count_change(struct policy_store *s, const struct object *before,
                         const struct object *after)
{
    s->generation++;
    policy_set_destroy(s->set);
    s->set = NULL;
    if (s->changed)
        s->changed(s->owner, before, after);
}

static struct stored_object *find(const struct policy_store *s, const struct kind *kind,
                                  struct slice namespace_name, struct slice name)
{
    char text[KEY_MAX];
    return map_get(&s->objects[kind->id], key_of(text, kind, namespace_name, name));
}

bool policy_store_put(struct policy_store *s, const struct kind *kind, const struct doc *root)
{
    char text[KEY_MAX];
    struct slice ns = doc_string(doc_find(root, "metadata.namespace"));
    struct slice name = doc_string(doc_find(root, "metadata.name"));
    struct object *before;
    if (!name.len)
        return false;
    struct slice key = key_of(text, kind, ns.len ? ns : SLICE("default"), name);
    struct stored_object *o = map_get(&s->objects[kind->id], key);
    if (!o) {
        o = stored_object_create();
        map_put(&s->objects[kind->id], key, o);
    }
    o->round = s->round[kind->id];
    enum stored_change change = stored_object_read(o, kind, root, &s->scratch, &before);
    arena_reset(&s->scratch);
    if (change != STORED_NEW)
        return false;
    count_change(s, before, o->in_force);
    stored_object_release(before);
    return true;
}

static void forget(struct policy_store *s, const struct kind *kind, struct slice key)
{
    struct stored_object *o = map_remove(&s->objects[kind->id], key);
    count_change(s, o->in_force, NULL);
    stored_object_destroy(o);
}

bool policy_store_remove(struct policy_store *s, const struct kind *kind,
                         struct slice namespace_name, struct slice name)
{
    char text[KEY_MAX];
    struct slice key = key_of(text, kind, namespace_name, name);
    if (!map_get(&s->objects[kind->id], key))
        return false;
    forget(s, kind, key);
    return true;
}

void policy_store_begin(struct policy_store *s, const struct kind *kind)
{
    s->round[kind->id]++;
}

bool policy_store_end(struct policy_store *s, const struct kind *kind)
{
    struct slice key;
    void *value;
    bool any = false;
    for (size_t at = 0; map_next(&s->objects[kind->id], &at, &key, &value);) {
        const struct stored_object *o = value;
        if (o->round == s->round[kind->id])
            continue;
        forget(s, kind, key);
        any = true;
    }
    return any;
}

/* ---- the set ---- */

static struct policy_set *gather(struct policy_store *s)
{
    struct policy_set *set = policy_set_create();
    for (size_t i = 0; i < KIND_COUNT; i++) {
        struct object_list *all = &set->all[i];
        struct slice key;
        void *value;
        all->capacity = s->objects[i].count;
        if (all->capacity)
            all->items = mem_alloc(all->capacity * sizeof *all->items);
        for (size_t at = 0; map_next(&s->objects[i], &at, &key, &value);) {
            const struct stored_object *o = value;
            if (o->in_force && !o->clashes)
                all->items[all->count++] = o->in_force;
        }
    }
    set->is_finished = true;
    return set;
}

/* "HTTPRoute default/reviews" back into the object of that kind and name. */
static struct stored_object *find_named(const struct policy_store *s, struct slice text)
{
    size_t space = slice_find_byte(text, ' ');
    struct slice kind = slice_sub(text, 0, space), rest = slice_sub(text, space + 1, text.len);
    size_t slash = slice_find_byte(rest, '/');
    bool named = slash < rest.len;
    struct slice ns = named ? slice_sub(rest, 0, slash) : SLICE("");
    struct slice name = named ? slice_sub(rest, slash + 1, rest.len) : rest;
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (slice_eq_cstr(kind, kind_all[i]->name))
            return find(s, kind_all[i], ns, name);
    return NULL;
}

static bool mark_clashes(struct policy_store *s, const struct diag_list *diags)
{
    bool any = false;
    LIST_FOREACH(node, (struct list *)&diags->items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        struct stored_object *o = d->is_warning ? NULL : find_named(s, d->object);
        if (!o || !o->in_force)
            continue;
        stored_object_clash(o, d);
        any = true;
    }
    s->has_clashes |= any;
    return any;
}

static void reconcile(struct policy_store *s)
{
    struct slice key;
    void *value;
    for (size_t i = 0; s->has_clashes && i < KIND_COUNT; i++)
        for (size_t at = 0; map_next(&s->objects[i], &at, &key, &value);)
            stored_object_reconcile(value);
    s->has_clashes = false;
}

const struct policy_set *policy_store_set(struct policy_store *s)
{
    bool again = !s->set;
    if (again)
        reconcile(s);
    for (unsigned try = 0; again && try < TRIES; try++) {
        struct diag_list diags;
        diag_list_init(&diags);
        policy_set_destroy(s->set);
        s->set = gather(s);
        policy_index_build(s->set, &diags);
        again = mark_clashes(s, &diags);
        diag_list_dispose(&diags);
    }
    return s->set;
}

void policy_store_remarks(struct policy_store *s, struct diag_list *to)
{
    struct diag_list diags;
    (void)policy_store_set(s); /* what clashes is left out */
    diag_list_init(&diags);
    struct policy_set *set = gather(s);
    policy_index_build(set, &diags);
    policy_set_destroy(set);
    LIST_FOREACH(node, &diags.items)
    {
        const struct diag *d = container_of(node, struct diag, node);
        if (d->is_warning)
            diag_add(to, d, "%.*s", SLICE_ARG(d->text));
    }
    diag_list_dispose(&diags);
}

uint64_t policy_store_generation(const struct policy_store *s)
{
    return s->generation;
}

/* ---- what was refused ---- */

const struct diag_list *policy_store_problems(const struct policy_store *s, const struct kind *kind,
                                              struct slice namespace_name, struct slice name)
{
    const struct stored_object *o = find(s, kind, namespace_name, name);
    return o && o->refusal ? &o->refusal->why : NULL;
}

void policy_store_each_refused(const struct policy_store *s,
                               void (*each)(void *owner, const struct object *o,
                                            const struct diag_list *why),
                               void *owner)
{
    struct slice key;
    void *value;
    for (size_t i = 0; i < KIND_COUNT; i++)
        for (size_t at = 0; map_next(&s->objects[i], &at, &key, &value);) {
            const struct stored_object *o = value;
            if (o->refusal)
                each(owner, &o->refusal->object, &o->refusal->why);
        }
}
