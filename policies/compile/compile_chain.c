/* Filter resources, and the names by which routes, shares and inbound ports have them. Control
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/compile/compile_priv.h"

#include <inttypes.h>

#include "lib/schema/schema_write.h"

static char *write_spec(struct compile *c, const struct filter *f, const void *spec)
{
    struct buf text;
    buf_init(&text);
    schema_write(f->spec, spec, &text);
    struct slice whole = buf_take_into(&text, c->arena);
    buf_dispose(&text);
    return arena_strdup(c->arena, whole);
}

static PB(Filter) * add(struct compile *c, const char *name, const char *type, char *spec,
                        const char *broken)
{
    PB(Filter) *m = PB_NEW(c, Filter, filter);
    m->type = compile_build_text(c, slice_from_cstr(type));
    m->spec = spec;
    m->broken = compile_build_text(c, slice_from_cstr(broken));
    map_put(&c->filters, slice_from_cstr(name), m);
    compile_build_resource(c, name, WEFT__CONFIG__V1__RESOURCE__BODY_FILTER, m);
    return m;
}

/* Nobody's own: named by what it is. Two that only share their hash are still two. */
static char *add_unnamed(struct compile *c, const struct filter *f, char *spec)
{
    uint64_t hash = slice_hash(slice_from_cstr(spec));
    for (;; hash++) {
        char *name = compile_build_format(c, "filter/%s/%016" PRIx64, f->name, hash);
        const PB(Filter) *there = map_get(&c->filters, slice_from_cstr(name));
        if (!there)
            add(c, name, f->name, spec, "");
        if (!there || strcmp(there->spec, spec) == 0)
            return name;
    }
}

char *compile_chain_filter(struct compile *c, const struct filter *f, const void *spec,
                           struct slice id)
{
    char *text = write_spec(c, f, spec);
    if (!id.len)
        return add_unnamed(c, f, text);
    char *name = compile_build_format(c, "filter/%.*s/%s", SLICE_ARG(id), f->name);
    if (!map_get(&c->filters, slice_from_cstr(name)))
        add(c, name, f->name, text, "");
    return name;
}

char *compile_chain_broken(struct compile *c, struct slice id, const char *why)
{
    char *name = compile_build_format(c, "filter/%.*s/broken", SLICE_ARG(id));
    if (!map_get(&c->filters, slice_from_cstr(name)))
        add(c, name, "", compile_build_text(c, SLICE("")), why);
    return name;
}
