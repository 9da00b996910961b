/* One walk down the tree, with what is done at its end as a function.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_path.h"

#include <string.h>

/* ---- from text ---- */

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("-_$@#:", c));
}

static bool take_key(struct slice *rest, struct json_step *step)
{
    size_t len = 0;
    while (len < rest->len && is_plain(rest->ptr[len]))
        len++;
    *step = (struct json_step){.kind = JSON_STEP_KEY, .key = slice_sub(*rest, 0, len)};
    *rest = slice_sub(*rest, len, rest->len);
    return len > 0;
}

/* [*], [12] or ["a key"]. */
static bool take_bracket(struct slice *rest, struct json_step *step)
{
    bool is_quoted = rest->len > 2 && rest->ptr[1] == '"';
    size_t close = is_quoted ? slice_find(*rest, SLICE("\"]")) + 1 : slice_find_byte(*rest, ']');
    uint64_t index = 0;
    if (close >= rest->len)
        return false;
    struct slice inside = slice_sub(*rest, 1, close - 1);
    *rest = slice_sub(*rest, close + 1, rest->len);
    if (is_quoted) {
        *step = (struct json_step){.kind = JSON_STEP_KEY,
                                   .key = slice_sub(inside, 1, inside.len - 2)};
        return inside.len > 2;
    }
    step->kind = slice_eq_cstr(inside, "*") ? JSON_STEP_EACH : JSON_STEP_INDEX;
    bool is_number = !slice_to_u64(inside, &index) && index <= UINT32_MAX;
    step->index = (size_t)index;
    return step->kind == JSON_STEP_EACH || is_number;
}

bool json_path_make(struct arena *a, struct slice text, struct json_path *out)
{
    struct json_step *steps = arena_zalloc(a, JSON_PATH_STEPS_MAX * sizeof(*steps));
    *out = (struct json_path){.steps = steps};
    while (text.len) {
        struct json_step *step = &steps[out->count];
        if (out->count++ == JSON_PATH_STEPS_MAX)
            return false;
        bool is_bracket = text.ptr[0] == '[';
        if (!is_bracket && out->count > 1) {
            if (text.ptr[0] != '.')
                return false;
            text = slice_sub(text, 1, text.len);
        }
        if (!(is_bracket ? take_bracket(&text, step) : take_key(&text, step)))
            return false;
        out->has_each |= step->kind == JSON_STEP_EACH;
    }
    return out->count > 0;
}

static bool is_same_step(const struct json_step *a, const struct json_step *b)
{
    return a->kind == b->kind && a->index == b->index && slice_eq(a->key, b->key);
}

bool json_path_is_sibling(const struct json_path *a, const struct json_path *b)
{
    if (a->count != b->count || a->steps[a->count - 1].kind != JSON_STEP_KEY ||
        b->steps[b->count - 1].kind != JSON_STEP_KEY)
        return false;
    for (uint32_t i = 0; i + 1 < a->count; i++)
        if (!is_same_step(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

/* ---- the walk ---- */

static bool is_named(const struct json_node *child, size_t at, const void *with)
{
    const struct json_step *step = with;
    switch (step->kind) {
    case JSON_STEP_KEY:
        return child->name.len && slice_eq(child->key, step->key);
    case JSON_STEP_INDEX:
        return !child->name.len && at == step->index;
    default:
        return !child->name.len;
    }
}

struct edit {
    struct arena *arena;
    const struct json_node *value;
    const struct json_step *other; /* of a rename: the new name */
    bool creates;
    void (*apply)(struct edit *e, struct json_node *at, const struct json_step *step);
};

static void walk(struct edit *e, struct json_node *at, const struct json_step *step, uint32_t left)
{
    bool found = false;
    size_t index = 0;
    if (left == 1) {
        e->apply(e, at, step);
        return;
    }
    for (struct json_node *n = at->first; n; n = n->next, index++) {
        if (!is_named(n, index, step))
            continue;
        found = true;
        walk(e, n, step + 1, left - 1);
    }
    if (found || !e->creates || step->kind != JSON_STEP_KEY || at->kind != JSON_TREE_OBJECT ||
        step[1].kind != JSON_STEP_KEY)
        return;
    struct json_node *made = json_tree_container(e->arena, JSON_TREE_OBJECT);
    json_tree_push(e->arena, at, step->key, made);
    walk(e, made, step + 1, left - 1);
}

static void run(struct edit *e, struct json_node *root, const struct json_path *p)
{
    walk(e, root, p->steps, p->count);
}

static struct json_node *copy(struct arena *a, const struct json_node *from)
{
    struct json_node *to = json_tree_container(a, from->kind);
    to->raw = from->raw;
    for (const struct json_node *n = from->first; n; n = n->next)
        json_tree_push(a, to, n->key, copy(a, n));
    return to;
}

/* It keeps its place and its name. */
static void become(struct json_node *n, const struct json_node *value)
{
    n->kind = value->kind;
    n->raw = value->raw;
    n->first = value->first;
    n->last = value->last;
}

struct json_node *json_path_find(struct json_node *root, const struct json_path *p)
{
    struct json_node *at = root;
    for (uint32_t i = 0; at && i < p->count; i++) {
        struct json_node *n = at->first;
        for (size_t index = 0; n && !is_named(n, index, &p->steps[i]); index++)
            n = n->next;
        at = n;
    }
    return at;
}

/* ---- what is done ---- */

static void remove_there(struct edit *e, struct json_node *at, const struct json_step *step)
{
    (void)e;
    json_tree_remove_if(at, is_named, step);
}

void json_path_remove(struct json_node *root, const struct json_path *p)
{
    struct edit e = {.apply = remove_there};
    run(&e, root, p);
}

static void replace_there(struct edit *e, struct json_node *at, const struct json_step *step)
{
    size_t index = 0;
    for (struct json_node *n = at->first; n; n = n->next, index++)
        if (is_named(n, index, step))
            become(n, copy(e->arena, e->value));
}

void json_path_replace(struct arena *a, struct json_node *root, const struct json_path *p,
                       const struct json_node *value)
{
    struct edit e = {.arena = a, .value = value, .apply = replace_there};
    run(&e, root, p);
}

static void add_there(struct edit *e, struct json_node *at, const struct json_step *step)
{
    if (step->kind == JSON_STEP_KEY && at->kind == JSON_TREE_OBJECT &&
        !json_tree_get(at, step->key))
        json_tree_push(e->arena, at, step->key, copy(e->arena, e->value));
}

void json_path_add(struct arena *a, struct json_node *root, const struct json_path *p,
                   const struct json_node *value)
{
    struct edit e = {.arena = a, .value = value, .creates = true, .apply = add_there};
    run(&e, root, p);
}

/* Members that are there twice are one of the same name for whoever reads the text: the last. */
static void append_there(struct edit *e, struct json_node *at, const struct json_step *step)
{
    struct json_node *place = NULL;
    size_t index = 0;
    for (struct json_node *n = at->first; n; n = n->next, index++)
        place = is_named(n, index, step) ? n : place;
    if (!place) {
        bool may = step->kind == JSON_STEP_KEY && at->kind == JSON_TREE_OBJECT;
        struct json_node *made = json_tree_container(e->arena, JSON_TREE_ARRAY);
        json_tree_push(e->arena, made, SLICE(""), copy(e->arena, e->value));
        if (may)
            json_tree_push(e->arena, at, step->key, made);
        return;
    }
    if (place->kind != JSON_TREE_ARRAY) {
        struct json_node *list = json_tree_container(e->arena, JSON_TREE_ARRAY);
        json_tree_push(e->arena, list, SLICE(""), copy(e->arena, place));
        become(place, list);
    }
    json_tree_push(e->arena, place, SLICE(""), copy(e->arena, e->value));
}

void json_path_append(struct arena *a, struct json_node *root, const struct json_path *p,
                      const struct json_node *value)
{
    struct edit e = {.arena = a, .value = value, .creates = true, .apply = append_there};
    run(&e, root, p);
}

static void rename_there(struct edit *e, struct json_node *at, const struct json_step *step)
{
    size_t index = 0;
    bool any = false;
    if (at->kind != JSON_TREE_OBJECT || slice_eq(step->key, e->other->key))
        return;
    any = json_tree_get(at, step->key) != NULL;
    if (!any)
        return;
    json_tree_remove_if(at, is_named, e->other);
    for (struct json_node *n = at->first; n; n = n->next, index++) {
        if (!is_named(n, index, step))
            continue;
        n->key = e->other->key;
        n->name = json_tree_quote(e->arena, n->key);
    }
}

static void move(struct arena *a, struct json_node *root, const struct json_path *from,
                 const struct json_path *to)
{
    struct json_node *found = json_path_find(root, from);
    if (!found)
        return;
    struct json_node *value = copy(a, found);
    json_path_remove(root, from);
    json_path_remove(root, to);
    json_path_add(a, root, to, value);
    if (!json_path_find(root, to)) /* a scalar is in the way */
        json_path_add(a, root, from, value);
}

void json_path_rename(struct arena *a, struct json_node *root, const struct json_path *from,
                      const struct json_path *to)
{
    struct edit e = {
        .arena = a, .other = &to->steps[to->count - 1], .apply = rename_there};
    if (json_path_is_sibling(from, to))
        run(&e, root, from);
    else
        move(a, root, from, to);
}

/* ---- what stays ---- */

/* What is left of a path. */
struct rest {
    const struct json_step *step;
    uint32_t left;
};

struct rests {
    struct rest *items;
    uint32_t count;
};

struct keeping {
    struct arena *arena;
    const struct rests *rests;
};

static void keep(struct arena *a, struct json_node *n, const struct rests *rests);

/* False: some path ends at the member, which stays as it is, or none leads on from there. */
static bool lead_on(const struct keeping *k, const struct json_node *member, struct rests *on,
                    bool *stays)
{
    on->count = 0;
    *stays = false;
    for (uint32_t i = 0; i < k->rests->count; i++) {
        const struct rest *r = &k->rests->items[i];
        if (!is_named(member, 0, r->step))
            continue;
        *stays = true;
        if (r->left == 1)
            return false;
        on->items[on->count++] = (struct rest){r->step + 1, r->left - 1};
    }
    return *stays;
}

static bool is_not_kept(const struct json_node *member, size_t at, const void *with)
{
    const struct keeping *k = with;
    struct rests on = {arena_alloc(k->arena, k->rests->count * sizeof(struct rest)), 0};
    bool stays;
    (void)at;
    if (lead_on(k, member, &on, &stays))
        keep(k->arena, (struct json_node *)(uintptr_t)member, &on);
    return !stays;
}

/* Without the steps that are for a list's items, since all of them are passed. */
static struct rests inside_list(struct arena *a, const struct rests *rests)
{
    struct rests in = {arena_alloc(a, rests->count * sizeof(struct rest)), 0};
    for (uint32_t i = 0; i < rests->count; i++) {
        struct rest r = rests->items[i];
        bool is_item = r.step->kind != JSON_STEP_KEY;
        if (is_item && r.left == 1)
            return (struct rests){in.items, 0}; /* whole items */
        in.items[in.count++] = is_item ? (struct rest){r.step + 1, r.left - 1} : r;
    }
    return in;
}

static void keep(struct arena *a, struct json_node *n, const struct rests *rests)
{
    if (n->kind == JSON_TREE_OBJECT) {
        struct keeping k = {a, rests};
        json_tree_remove_if(n, is_not_kept, &k);
    } else if (n->kind == JSON_TREE_ARRAY) {
        struct rests in = inside_list(a, rests);
        for (struct json_node *item = n->first; item && in.count; item = item->next)
            keep(a, item, &in);
    }
}

void json_path_keep(struct arena *a, struct json_node *root, const struct json_path *paths,
                    uint32_t count)
{
    struct rests all = {arena_alloc(a, (count + 1) * sizeof(struct rest)), count};
    for (uint32_t i = 0; i < count; i++)
        all.items[i] = (struct rest){paths[i].steps, paths[i].count};
    keep(a, root, &all);
}
