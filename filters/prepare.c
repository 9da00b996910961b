/* What configurations are made of. SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/prepare.h"

#include <stdio.h>
#include <string.h>

#include "filters/chain.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/schema/schema_ref.h"

enum { CTX_ALIGN = 8 }; /* as an arena has it */

static enum err refuse_text(const struct filter *f, const struct filter_build *b,
                            const struct diag_list *diags)
{
    const struct diag *first = container_of(diags->items.next, struct diag, node);
    return filter_refuse(b, "%s%s%.*s: %.*s", f->name, first->path.len ? "." : "",
                         SLICE_ARG(first->path), SLICE_ARG(first->text));
}

/* ---- references ---- */

struct fill {
    const struct filter_build *b;
    bool is_missing;
};

/* A Secret's value is said by its place in the list beside the specification. */
static void fill_ref(void *owner, enum schema_ref_kind kind, struct schema_ref *ref,
                     const char *path)
{
    struct fill *f = owner;
    uint64_t at;
    (void)path;
    if (kind == SCHEMA_REF_SECRET && ref->value.ptr) {
        bool is_there = !slice_to_u64(ref->value, &at) && at < f->b->secret_count;
        ref->value = is_there ? f->b->secrets[at] : (struct slice){NULL, 0};
    }
    f->is_missing |= !ref->value.ptr;
}

/* Where somebody compiled, all are filled in; a specification by itself has none of them. */
static enum err fill_refs(const struct filter *f, const struct filter_build *b, void *spec)
{
    struct fill fill = {.b = b};
    schema_ref_walk(f->spec, spec, fill_ref, &fill);
    return fill.is_missing ? filter_refuse(b, "%s: a reference leads nowhere", f->name) : ERR_OK;
}

enum err filter_read(const struct filter *f, struct slice text, const struct filter_build *b,
                     const void **spec)
{
    const struct doc *doc;
    struct doc_error error;
    struct diag_list diags;
    struct schema_run run = {.arena = b->arena, .diags = &diags, .is_wire = true};
    void *read = arena_zalloc(b->arena, f->spec->size);
    *spec = read;
    if (doc_json_parse(text, b->arena, &doc, &error))
        return filter_refuse(b, "%s: %s", f->name, error.text);
    diag_list_init(&diags);
    schema_parse(&run, f->spec, doc, read);
    enum err e = run.errors ? refuse_text(f, b, &diags) : ERR_OK;
    diag_list_dispose(&diags);
    return e ? e : fill_refs(f, b, read);
}

enum err filter_prepare(const struct filter *f, struct slice text, const struct filter_build *b,
                        const void **conf)
{
    const void *spec;
    void *made = arena_zalloc(b->arena, f->conf_size);
    enum err e = filter_read(f, text, b, &spec);
    if (!e && f->prepare)
        e = f->prepare(b, spec, made);
    *conf = made;
    return e;
}

/* ---- order ---- */

static size_t row_of(const struct filter *f)
{
    size_t row = 0;
    while (row < filter_count && filter_all[row] != f)
        row++;
    return row;
}

static bool goes_before(const struct filter *a, const struct filter *b)
{
    return a->phase != b->phase ? a->phase < b->phase : row_of(a) < row_of(b);
}

/* Stable: equal ones stay in the order in which they were given. */
static void insert(struct filter_entry *sorted, size_t count, const struct filter_entry *entry)
{
    size_t at = count;
    for (; at > 0 && goes_before(entry->filter, sorted[at - 1].filter); at--)
        sorted[at] = sorted[at - 1];
    sorted[at] = *entry;
}

enum err filter_chain_make(struct arena *arena, const struct filter_entry *entries, size_t count,
                           const struct filter_chain **out)
{
    *out = NULL;
    if (count > FILTER_CHAIN_MAX)
        return ERR_LIMIT;
    if (count == 0)
        return ERR_OK;
    struct filter_entry *sorted = arena_alloc(arena, count * sizeof(*sorted));
    struct filter_chain *chain = arena_zalloc(arena, sizeof(*chain));
    for (size_t i = 0; i < count; i++)
        insert(sorted, i, &entries[i]);
    for (size_t i = 0; i < count; i++) {
        const struct filter *f = sorted[i].filter;
        sorted[i].ctx_offset = chain->ctx_size;
        chain->ctx_size += (uint32_t)((f->ctx_size + CTX_ALIGN - 1) & ~(size_t)(CTX_ALIGN - 1));
        chain->opens |= f->is_next_to_backend;
    }
    chain->entries = sorted;
    chain->count = (uint32_t)count;
    *out = chain;
    return ERR_OK;
}
