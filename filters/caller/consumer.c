/* The directory of consumers: two tables of pointers. Must not know how a consumer came here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/caller/consumer.h"

#include "lib/base/mem.h"

/* ---- types ---- */

static const char *const names[] = {
#define CREDENTIAL(symbol, stem, name) name,
#include "filters/caller/credential.def"
#undef CREDENTIAL
};

const char *credential_name(enum credential_type type)
{
    return names[type];
}

enum credential_type credential_find(struct slice name)
{
    int type = 0;
    while (type < CREDENTIAL_COUNT && !slice_eq_cstr(name, names[type]))
        type++;
    return (enum credential_type)type;
}

struct slice consumer_namespace(const struct consumer *c)
{
    return slice_sub(c->id, 0, slice_find_byte(c->id, '/'));
}

/* ---- scopes ---- */

struct consumer_scope consumer_scope_read(struct arena *arena, struct slice value)
{
    struct consumer_scope scope = {0};
    struct slice rest = value, part;
    size_t room = 1;
    for (size_t i = 0; i < value.len; i++)
        room += value.ptr[i] == ',';
    struct slice *items = arena_zalloc(arena, room * sizeof(*items));
    while (value.len && slice_split(&rest, ',', &part)) {
        if (slice_eq_cstr(part, "*"))
            scope.is_all = true;
        else if (part.len)
            items[scope.count++] = arena_copy(arena, part);
    }
    scope.namespaces = items;
    return scope;
}

/* Less is better; SIZE_MAX: not at all. */
static size_t rank(const struct consumer_scope *scope, const struct consumer *c)
{
    struct slice ns = consumer_namespace(c);
    for (uint32_t i = 0; i < scope->count; i++)
        if (slice_eq(scope->namespaces[i], ns))
            return i;
    return scope->is_all ? scope->count : SIZE_MAX;
}

static bool is_older(const struct consumer *a, const struct consumer *b)
{
    if (a->created != b->created)
        return a->created < b->created;
    return slice_compare(a->id, b->id) < 0;
}

static bool is_better(const struct consumer_scope *scope, const struct consumer *a,
                      const struct consumer *b)
{
    size_t x = rank(scope, a), y = b ? rank(scope, b) : SIZE_MAX;
    return x != SIZE_MAX && (!b || x < y || (x == y && is_older(a, b)));
}

/* ---- tables ---- */

static uint64_t hash_of(enum credential_type type, struct slice lookup)
{
    return slice_hash(lookup) + (uint64_t)type * UINT64_C(0x9e3779b97f4a7c15);
}

static uint64_t size_for(size_t count)
{
    uint64_t size = 2;
    while (size < count * 2)
        size *= 2;
    return size;
}

static void add(struct consumer_directory *d, const struct consumer *c)
{
    uint64_t at = slice_hash(c->id);
    while (d->consumers[at & d->consumer_mask])
        at++;
    d->consumers[at & d->consumer_mask] = c;
    for (uint32_t i = 0; i < c->credential_count; i++) {
        at = hash_of(c->credentials[i].type, c->credentials[i].lookup);
        while (d->credentials[at & d->credential_mask])
            at++;
        d->credentials[at & d->credential_mask] = &c->credentials[i];
    }
}

struct consumer_directory *consumer_directory_create(const struct consumer *const *consumers,
                                                     size_t count)
{
    size_t credentials = 0;
    for (size_t i = 0; i < count; i++)
        credentials += consumers[i]->credential_count;
    uint64_t by_credential = size_for(credentials), by_id = size_for(count);
    struct consumer_directory *d =
        mem_zalloc(sizeof(*d) + (by_credential + by_id) * sizeof(void *));
    d->credentials = (void *)(d + 1);
    d->consumers = (void *)(d->credentials + by_credential);
    d->credential_mask = by_credential - 1;
    d->consumer_mask = by_id - 1;
    d->count = (uint32_t)count;
    for (size_t i = 0; i < count; i++)
        add(d, consumers[i]);
    return d;
}

const struct consumer_credential *consumer_find(const struct consumer_directory *d,
                                                enum credential_type type,
                                                const struct consumer_scope *scope,
                                                struct slice lookup)
{
    const struct consumer_credential *best = NULL, *c;
    if (!d)
        return NULL;
    for (uint64_t at = hash_of(type, lookup); (c = d->credentials[at & d->credential_mask]); at++)
        if (c->type == type && slice_eq(c->lookup, lookup) &&
            is_better(scope, c->consumer, best ? best->consumer : NULL))
            best = c;
    return best;
}

const struct consumer_credential *consumer_find_other(const struct consumer_directory *d,
                                                      enum credential_type type,
                                                      const struct consumer_scope *scope,
                                                      struct slice lookup)
{
    uint64_t at = hash_of(type, lookup);
    for (uint64_t i = 0; d && i <= d->credential_mask; i++) {
        const struct consumer_credential *c = d->credentials[(at + i) & d->credential_mask];
        if (c && c->type == type && rank(scope, c->consumer) != SIZE_MAX)
            return c;
    }
    return NULL;
}

static const struct consumer *find_id(const struct consumer_directory *d, struct slice ns,
                                      struct slice name)
{
    char id[320];
    const struct consumer *c;
    if (ns.len + name.len + 1 > sizeof(id))
        return NULL;
    memcpy(id, ns.ptr, ns.len);
    id[ns.len] = '/';
    memcpy(id + ns.len + 1, name.ptr, name.len);
    struct slice whole = slice_of(id, ns.len + name.len + 1);
    for (uint64_t at = slice_hash(whole); (c = d->consumers[at & d->consumer_mask]); at++)
        if (slice_eq(c->id, whole))
            return c;
    return NULL;
}

const struct consumer *consumer_find_named(const struct consumer_directory *d,
                                           const struct consumer_scope *scope, struct slice name)
{
    const struct consumer *c = NULL;
    for (uint32_t i = 0; d && !c && i < scope->count; i++)
        c = find_id(d, scope->namespaces[i], name);
    return c;
}
