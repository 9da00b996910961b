/* What is made of the lists that users write, and headers.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/edits.h"

#include "filters/strip.h"

/* ---- what is made of it ---- */

struct making {
    const struct filter_build *b;
    enum edit_place place;
    bool is_response;
    const char *where;
};

static enum err make_name(const struct making *m, struct slice text, const char *list, size_t at,
                          struct edit_name *out)
{
    out->text = m->place == EDIT_HEADERS ? arena_copy_lower(m->b->arena, text) : text;
    out->id = (uint16_t)(m->place == EDIT_HEADERS ? header_id_of(out->text) : HEADER_OTHER);
    if (m->place == EDIT_BODY && !json_path_make(m->b->arena, text, &out->path))
        return filter_refuse(m->b, "%s.%s[%zu]: \"%.*s\" is not a path such as user.name or "
                                   "items[0].price", m->where, list, at, SLICE_ARG(text));
    return ERR_OK;
}

static enum err make_rename(const struct making *m, const struct transform_rename *from, size_t at,
                            struct edit_rename *out)
{
    enum err e = make_name(m, from->from, "rename", at, &out->from);
    e = e ? e : make_name(m, from->to, "rename", at, &out->to);
    if (e || m->place != EDIT_BODY)
        return e;
    bool has_each = out->from.path.has_each || out->to.path.has_each;
    if (has_each && !json_path_is_sibling(&out->from.path, &out->to.path))
        return filter_refuse(m->b, "%s.rename[%zu]: with [*] the two paths may differ in their "
                                   "last name only", m->where, at);
    return ERR_OK;
}

static bool is_number(struct arena *a, struct slice text)
{
    const struct json_node *n = json_tree_parse(a, text);
    return n && n->kind == JSON_TREE_SCALAR && text.ptr[0] != '"' && text.ptr[0] != 't' &&
           text.ptr[0] != 'f' && text.ptr[0] != 'n';
}

static enum err make_value(const struct making *m, const struct transform_value *from,
                           const char *list, size_t at, struct edit_value *out)
{
    struct arena *a = m->b->arena;
    enum err e = make_name(m, from->name, list, at, &out->name);
    if (e)
        return e;
    out->type = from->type;
    if (from->type == TRANSFORM_JSON) {
        out->raw = slice_trim(from->value);
        if (!json_tree_parse(a, out->raw))
            return filter_refuse(m->b, "%s.%s[%zu].value: is not JSON", m->where, list, at);
        return ERR_OK;
    }
    const char *why = template_compile(a, from->value, m->is_response, &out->text);
    if (why)
        return filter_refuse(m->b, "%s.%s[%zu].value: %s", m->where, list, at, why);
    return ERR_OK;
}

static enum err make_values(const struct making *m, const struct schema_list *from,
                            const char *list, const struct edit_value **out, uint32_t *count)
{
    struct edit_value *values = arena_zalloc(m->b->arena, (from->count + 1) * sizeof(*values));
    *out = values;
    for (SCHEMA_EACH(*from, struct transform_value, v)) {
        enum err e = make_value(m, v, list, *count, &values[*count]);
        if (e)
            return e;
        ++*count;
    }
    return ERR_OK;
}

static enum err make_keep(const struct making *m, const struct schema_list *from, struct edits *to)
{
    struct json_path *paths = arena_zalloc(m->b->arena, (from->count + 1) * sizeof(*paths));
    to->keep = paths;
    for (SCHEMA_EACH(*from, struct slice, text)) {
        struct edit_name name;
        enum err e = make_name(m, *text, "keep", to->keep_count, &name);
        if (e)
            return e;
        paths[to->keep_count++] = name.path;
    }
    return ERR_OK;
}

enum err edits_prepare(const struct filter_build *b, const struct transform_edits *from,
                       enum edit_place place, bool is_response, const char *where,
                       struct edits *to)
{
    struct making m = {b, place, is_response, where};
    enum err e = ERR_OK;
    *to = (struct edits){.place = place};
    if (!from)
        return ERR_OK;
    struct edit_name *removes = arena_zalloc(b->arena, (from->remove.count + 1) * sizeof(*removes));
    struct edit_rename *renames =
        arena_zalloc(b->arena, (from->rename.count + 1) * sizeof(*renames));
    to->remove = removes;
    to->rename = renames;
    for (SCHEMA_EACH(from->remove, struct slice, name)) {
        e = e ? e : make_name(&m, *name, "remove", to->remove_count, &removes[to->remove_count]);
        to->remove_count++;
    }
    for (SCHEMA_EACH(from->rename, struct transform_rename, r)) {
        e = e ? e : make_rename(&m, r, to->rename_count, &renames[to->rename_count]);
        to->rename_count++;
    }
    e = e ? e : make_values(&m, &from->replace, "replace", &to->replace, &to->replace_count);
    e = e ? e : make_values(&m, &from->add, "add", &to->add, &to->add_count);
    e = e ? e : make_values(&m, &from->append, "append", &to->append, &to->append_count);
    return e ? e : make_keep(&m, &from->keep, to);
}

bool edits_is_empty(const struct edits *e)
{
    return !(e->remove_count + e->rename_count + e->replace_count + e->add_count +
             e->append_count + e->keep_count);
}

/* ---- values ---- */

/* A body's are JSON then. */
static struct slice render(const struct edits *e, const struct edit_value *v,
                           struct filter_exchange *x)
{
    struct slice text;
    enum template_use use = e->place == EDIT_HEADERS ? TEMPLATE_HEADER : TEMPLATE_PLAIN;
    if (v->type == TRANSFORM_JSON)
        return v->raw;
    if (!template_render(&v->text, x, use, &text))
        return (struct slice){NULL, 0};
    bool fits = v->type == TRANSFORM_STRING ||
                (v->type == TRANSFORM_BOOLEAN &&
                 (slice_eq_cstr(text, "true") || slice_eq_cstr(text, "false"))) ||
                (v->type == TRANSFORM_NUMBER && is_number(x->arena, text));
    return !fits ? (struct slice){NULL, 0} : text.ptr ? text : SLICE("");
}

static struct slice *render_all(const struct edits *e, const struct edit_value *values,
                                uint32_t count, struct filter_exchange *x, struct slice *to)
{
    for (uint32_t i = 0; i < count; i++)
        *to++ = render(e, &values[i], x);
    return to;
}

const struct slice *edits_render(const struct edits *e, struct filter_exchange *x)
{
    uint32_t count = e->replace_count + e->add_count + e->append_count;
    struct slice *all = arena_alloc(x->arena, (count + 1) * sizeof(*all)), *to = all;
    to = render_all(e, e->replace, e->replace_count, x, to);
    to = render_all(e, e->add, e->add_count, x, to);
    render_all(e, e->append, e->append_count, x, to);
    return all;
}

/* ---- headers ---- */

static struct header *find(struct headers *h, const struct edit_name *name)
{
    return name->id == HEADER_OTHER ? headers_find(h, name->text) : headers_find_id(h, name->id);
}

static void drop(struct headers *h, const struct edit_name *name)
{
    if (name->id == HEADER_OTHER)
        headers_remove(h, name->text);
    else
        headers_remove_id(h, name->id);
}

static void add(struct headers *h, const struct edit_name *name, struct slice value)
{
    struct header *added = headers_add(h, name->text, value);
    added->id = name->id;
}

static void rename_header(struct headers *h, const struct edit_rename *r)
{
    if (!find(h, &r->from) || slice_eq(r->from.text, r->to.text))
        return;
    drop(h, &r->to);
    for (uint32_t i = 0; i < h->count; i++) {
        struct header *item = &h->items[i];
        if (!slice_eq(item->name, r->from.text))
            continue;
        h->bytes += (uint32_t)(r->to.text.len - item->name.len);
        item->name = r->to.text;
        item->id = r->to.id;
    }
}

static void replace_header(struct headers *h, const struct edit_name *name, struct slice value)
{
    if (name->id == HEADER_OTHER)
        headers_set(h, name->text, value);
    else
        headers_set_id(h, name->id, value);
}

/* What is removed or set here must not reach the app in another spelling. */
static void strip_spellings(const struct edits *e, struct filter_exchange *x)
{
    for (uint32_t i = 0; i < e->remove_count; i++)
        strip_disguises(x, e->remove[i].text);
    for (uint32_t i = 0; i < e->rename_count; i++) {
        strip_disguises(x, e->rename[i].from.text);
        strip_disguises(x, e->rename[i].to.text);
    }
    for (uint32_t i = 0; i < e->replace_count; i++)
        strip_disguises(x, e->replace[i].name.text);
    for (uint32_t i = 0; i < e->add_count; i++)
        strip_disguises(x, e->add[i].name.text);
}

void edits_headers(const struct edits *e, const struct slice *values, struct headers *h,
                   struct filter_exchange *x)
{
    if (x && x->has_odd_names)
        strip_spellings(e, x);
    for (uint32_t i = 0; i < e->remove_count; i++)
        drop(h, &e->remove[i]);
    for (uint32_t i = 0; i < e->rename_count; i++)
        rename_header(h, &e->rename[i]);
    for (uint32_t i = 0; i < e->replace_count; i++, values++)
        if (values->ptr && find(h, &e->replace[i].name))
            replace_header(h, &e->replace[i].name, *values);
    for (uint32_t i = 0; i < e->add_count; i++, values++)
        if (values->ptr && !find(h, &e->add[i].name))
            add(h, &e->add[i].name, *values);
    for (uint32_t i = 0; i < e->append_count; i++, values++)
        if (values->ptr)
            add(h, &e->append[i].name, *values);
}

/* ---- for people ---- */

static void say(struct arena *a, struct slice *to, const char *verb, struct slice name)
{
    *to = arena_printf(a, "%.*s%s%s %.*s", SLICE_ARG(*to), to->len ? ", " : "", verb,
                       SLICE_ARG(name));
}

struct slice edits_describe(struct arena *a, const struct edits *e, const char *what)
{
    struct slice text = SLICE("");
    for (uint32_t i = 0; i < e->remove_count; i++)
        say(a, &text, "remove", e->remove[i].text);
    for (uint32_t i = 0; i < e->rename_count; i++)
        say(a, &text, "rename", e->rename[i].from.text);
    for (uint32_t i = 0; i < e->replace_count; i++)
        say(a, &text, "replace", e->replace[i].name.text);
    for (uint32_t i = 0; i < e->add_count; i++)
        say(a, &text, "add", e->add[i].name.text);
    for (uint32_t i = 0; i < e->append_count; i++)
        say(a, &text, "append", e->append[i].name.text);
    return text.len ? arena_printf(a, "%s: %.*s; ", what, SLICE_ARG(text)) : text;
}
