/* The table of names, each with the versions that somebody holds. A name goes with its last holder.
 * Owned by the loop's thread. Must not know what is in a resource.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/parcel.h"

#include "lib/base/map.h"
#include "lib/base/mem.h"

struct parcel_table {
    struct map names;
    size_t bytes, refused;
};

struct parcel_table *parcel_table_create(void)
{
    struct parcel_table *t = mem_zalloc(sizeof *t);
    map_init(&t->names);
    return t;
}

void parcel_table_destroy(struct parcel_table *t)
{
    map_dispose(&t->names);
    mem_free(t);
}

size_t parcel_table_bytes(const struct parcel_table *t)
{
    return t->bytes;
}

size_t parcel_table_refused(const struct parcel_table *t)
{
    return t->refused;
}

struct slice parcel_name_text(const struct parcel_name *n)
{
    return slice_of(n->text, n->len);
}

struct parcel_name *parcel_name_ref(struct parcel_name *n)
{
    n->refs++;
    return n;
}

void parcel_name_unref(struct parcel_name *n)
{
    if (--n->refs)
        return;
    map_remove(&n->table->names, parcel_name_text(n));
    mem_free(n);
}

struct parcel_name *parcel_name_make(struct parcel_table *t, struct slice text)
{
    struct parcel_name *n = map_get(&t->names, text);
    if (n)
        return parcel_name_ref(n);
    n = mem_zalloc(sizeof *n + text.len);
    n->table = t;
    n->refs = 1;
    n->len = (uint32_t)text.len;
    memcpy(n->text, text.ptr, text.len);
    map_put(&t->names, text, n);
    return n;
}

struct parcel *parcel_make(struct parcel_table *t, const Weft__Config__V1__Resource *resource)
{
    struct parcel_name *name = parcel_name_make(t, slice_from_cstr(resource->name));
    for (struct parcel *p = name->versions; p; p = p->next)
        if (p->version == resource->version) {
            parcel_name_unref(name);
            return parcel_ref(p);
        }
    size_t len = weft__config__v1__resource__get_packed_size(resource);
    struct parcel *p = mem_alloc(sizeof *p + len);
    *p = (struct parcel){.name = name,
                         .next = name->versions,
                         .version = resource->version,
                         .refs = 1,
                         .len = (uint32_t)len};
    weft__config__v1__resource__pack(resource, p->bytes);
    name->versions = p;
    t->bytes += len;
    return p;
}

struct parcel *parcel_ref(struct parcel *p)
{
    p->refs++;
    return p;
}

void parcel_refuse(struct parcel *p, const char *why)
{
    if (p->refusal)
        return;
    p->refusal = mem_strdup(why);
    p->name->table->refused++;
}

void parcel_unref(struct parcel *p)
{
    if (--p->refs)
        return;
    struct parcel **at = &p->name->versions;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->name->table->bytes -= p->len;
    p->name->table->refused -= p->refusal != NULL;
    mem_free(p->refusal);
    parcel_name_unref(p->name);
    mem_free(p);
}
