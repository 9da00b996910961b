/* Changes to pairs of names and values, as queries and forms have them (WHATWG URL §5), and to
 * JSON. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/edits.h"

#include "filters/caller/credential_query.h"
#include "lib/base/percent.h"

/* ---- pairs ---- */

struct pair {
    struct slice text; /* as it is written: "name=value"; NULL ptr: gone */
};

struct pairs {
    struct arena *arena;
    struct pair *items;
    size_t count, room;
};

static bool is_named(struct pairs *p, size_t at, struct slice name)
{
    return p->items[at].text.ptr &&
           credential_query_is_named(p->arena, p->items[at].text, &name, 1);
}

static bool has(struct pairs *p, struct slice name)
{
    for (size_t i = 0; i < p->count; i++)
        if (is_named(p, i, name))
            return true;
    return false;
}

static struct slice encode(struct arena *a, struct slice name, struct slice value)
{
    char *to = arena_alloc(a, 3 * (name.len + value.len) + 1);
    size_t len = percent_encode(name, "-._~", to);
    to[len++] = '=';
    len += percent_encode(value, "-._~", to + len);
    return slice_of(to, len);
}

static void push(struct pairs *p, struct slice text)
{
    if (p->count < p->room)
        p->items[p->count++].text = text;
}

static void read_pairs(struct pairs *p, struct slice text, size_t more)
{
    struct slice rest = text, pair;
    p->room = 1 + more;
    for (size_t i = 0; i < text.len; i++)
        p->room += text.ptr[i] == '&';
    p->items = arena_zalloc(p->arena, p->room * sizeof(*p->items));
    while (text.len && slice_split(&rest, '&', &pair))
        push(p, pair);
}

static struct slice write_pairs(const struct pairs *p)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < p->count; i++)
        len += p->items[i].text.len + 1;
    char *to = arena_alloc(p->arena, len + 1);
    for (size_t i = 0; i < p->count; i++) {
        struct slice text = p->items[i].text;
        if (!text.ptr)
            continue;
        if (at)
            to[at++] = '&';
        memcpy(to + at, text.ptr, text.len);
        at += text.len;
    }
    return slice_of(to, at);
}

static void remove_pairs(struct pairs *p, struct slice name)
{
    for (size_t i = 0; i < p->count; i++)
        if (is_named(p, i, name))
            p->items[i].text = (struct slice){NULL, 0};
}

static void rename_pairs(struct pairs *p, struct slice from, struct slice to)
{
    if (slice_eq(from, to) || !has(p, from))
        return;
    remove_pairs(p, to);
    for (size_t i = 0; i < p->count; i++) {
        struct slice old = p->items[i].text;
        if (!is_named(p, i, from))
            continue;
        struct slice rest = slice_sub(old, slice_find_byte(old, '='), old.len);
        char *name = arena_alloc(p->arena, 3 * to.len + 1);
        struct slice coded = slice_of(name, percent_encode(to, "-._~", name));
        p->items[i].text =
            arena_printf(p->arena, "%.*s%.*s", SLICE_ARG(coded), SLICE_ARG(rest));
    }
}

/* All of that name become one. */
static void replace_pairs(struct pairs *p, struct slice name, struct slice value)
{
    bool done = false;
    for (size_t i = 0; i < p->count; i++) {
        if (!is_named(p, i, name))
            continue;
        p->items[i].text = done ? (struct slice){NULL, 0} : encode(p->arena, name, value);
        done = true;
    }
}

struct slice edits_pairs(const struct edits *e, const struct slice *values, struct arena *a,
                         struct slice text)
{
    struct pairs p = {.arena = a};
    read_pairs(&p, text, e->add_count + e->append_count);
    for (uint32_t i = 0; i < e->remove_count; i++)
        remove_pairs(&p, e->remove[i].text);
    for (uint32_t i = 0; i < e->rename_count; i++)
        rename_pairs(&p, e->rename[i].from.text, e->rename[i].to.text);
    for (uint32_t i = 0; i < e->replace_count; i++, values++)
        if (values->ptr)
            replace_pairs(&p, e->replace[i].name.text, *values);
    for (uint32_t i = 0; i < e->add_count; i++, values++)
        if (values->ptr && !has(&p, e->add[i].name.text))
            push(&p, encode(a, e->add[i].name.text, *values));
    for (uint32_t i = 0; i < e->append_count; i++, values++)
        if (values->ptr)
            push(&p, encode(a, e->append[i].name.text, *values));
    return write_pairs(&p);
}

/* ---- JSON ---- */

static const struct json_node *node_of(struct arena *a, const struct edit_value *v,
                                       struct slice value)
{
    return v->type == TRANSFORM_JSON     ? json_tree_parse(a, v->raw)
           : v->type == TRANSFORM_STRING ? json_tree_scalar(a, json_tree_quote(a, value))
                                         : json_tree_scalar(a, value);
}

void edits_json(const struct edits *e, const struct slice *values, struct arena *a,
                struct json_node *root)
{
    for (uint32_t i = 0; i < e->remove_count; i++)
        json_path_remove(root, &e->remove[i].path);
    for (uint32_t i = 0; i < e->rename_count; i++)
        json_path_rename(a, root, &e->rename[i].from.path, &e->rename[i].to.path);
    for (uint32_t i = 0; i < e->replace_count; i++, values++)
        if (values->ptr)
            json_path_replace(a, root, &e->replace[i].name.path,
                              node_of(a, &e->replace[i], *values));
    for (uint32_t i = 0; i < e->add_count; i++, values++)
        if (values->ptr)
            json_path_add(a, root, &e->add[i].name.path, node_of(a, &e->add[i], *values));
    for (uint32_t i = 0; i < e->append_count; i++, values++)
        if (values->ptr)
            json_path_append(a, root, &e->append[i].name.path, node_of(a, &e->append[i], *values));
    if (e->keep_count)
        json_path_keep(a, root, e->keep, e->keep_count);
}
