/* The table of names, each with the versions that somebody holds. A name goes with its last holder.
 * Owned by the loop's thread. Must not know what is in a resource.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/policyd/packed_resource.h"

#include "lib/base/map.h"
#include "lib/base/mem.h"

struct packed_resource_table {
    struct map names;
    size_t bytes, refused;
};

struct packed_resource_table *packed_resource_table_create(void)
{
    struct packed_resource_table *t = mem_zalloc(sizeof *t);
    map_init(&t->names);
    return t;
}

void packed_resource_table_destroy(struct packed_resource_table *t)
{
    map_dispose(&t->names);
    mem_free(t);
}

size_t packed_resource_table_bytes(const struct packed_resource_table *t)
{
    return t->bytes;
}

size_t packed_resource_table_refused(const struct packed_resource_table *t)
{
    return t->refused;
}

struct slice packed_resource_name_text(const struct packed_resource_name *n)
{
    return slice_of(n->text, n->len);
}

struct packed_resource_name *packed_resource_name_ref(struct packed_resource_name *n)
{
    n->refs++;
    return n;
}

void packed_resource_name_unref(struct packed_resource_name *n)
{
    if (--n->refs)
        return;
    map_remove(&n->table->names, packed_resource_name_text(n));
    mem_free(n);
}

struct packed_resource_name *packed_resource_name_make(struct packed_resource_table *t,
                                                       struct slice text)
{
    struct packed_resource_name *n = map_get(&t->names, text);
    if (n)
        return packed_resource_name_ref(n);
    n = mem_zalloc(sizeof *n + text.len);
    n->table = t;
    n->refs = 1;
    n->len = (uint32_t)text.len;
    memcpy(n->text, text.ptr, text.len);
    map_put(&t->names, text, n);
    return n;
}

struct packed_resource *packed_resource_make(struct packed_resource_table *t,
                                             const Weft__Config__V1__Resource *resource)
{
    struct packed_resource_name *name =
        packed_resource_name_make(t, slice_from_cstr(resource->name));
    for (struct packed_resource *p = name->versions; p; p = p->next)
        if (p->version == resource->version) {
            packed_resource_name_unref(name);
            return packed_resource_ref(p);
        }
    size_t len = weft__config__v1__resource__get_packed_size(resource);
    struct packed_resource *p = mem_alloc(sizeof *p + len);
    *p = (struct packed_resource){.name = name,
                                  .next = name->versions,
                                  .version = resource->version,
                                  .refs = 1,
                                  .len = (uint32_t)len};
    weft__config__v1__resource__pack(resource, p->bytes);
    name->versions = p;
    t->bytes += len;
    return p;
}

struct packed_resource *packed_resource_ref(struct packed_resource *p)
{
    p->refs++;
    return p;
}

void packed_resource_refuse(struct packed_resource *p, const char *why)
{
    if (p->refusal)
        return;
    p->refusal = mem_strdup(why);
    p->name->table->refused++;
}

void packed_resource_unref(struct packed_resource *p)
{
    if (--p->refs)
        return;
    struct packed_resource **at = &p->name->versions;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->name->table->bytes -= p->len;
    p->name->table->refused -= p->refusal != NULL;
    mem_free(p->refusal);
    packed_resource_name_unref(p->name);
    mem_free(p);
}
