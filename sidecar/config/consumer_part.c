/* From the Consumer message to struct consumer. There may be tens of thousands, so each is one
 * block without slack. Must not know who asks for them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/consumer_part.h"

#include <string.h>

#include "filters/chain.h"
#include "lib/base/mem.h"
#include "lib/tls/digest.h"

#define PREFIX "consumer/"

typedef Weft__Config__V1__Consumer message;
typedef Weft__Config__V1__Credential credential;

/* ---- filters ---- */

struct consumer_filters {
    struct part part;
    struct filter_names own; /* of the first that was made of a message */
    const struct filter_names *names;
    struct filter_uses uses;
    struct filter_part **bound;
    const struct filter_chain *chain;
};

static void bind_filters(struct consumer_filters *f, filter_find_fn find, const void *filters)
{
    f->bound = filter_names_bind(f->names, &f->part.arena, find, filters);
    f->chain = filter_names_chain(f->names, f->bound, NULL, &f->uses, &f->part.arena);
}

/* Of more than a chain may have, none is there: what stands for it answers 500. */
static struct consumer_filters *take_filters(const Weft__Config__V1__Resource *r)
{
    static char too_many[] = "filter/of so many";
    char detail[PART_DETAIL_MAX], *instead[] = {too_many};
    const message *m = r->consumer;
    if (!m->n_filters)
        return NULL;
    struct consumer_filters *f = mem_zalloc(sizeof(*f));
    part_init(&f->part);
    struct part_build b = {&f->part, slice_from_cstr(r->name), detail};
    bool is_fit = m->n_filters <= FILTER_CHAIN_MAX;
    filter_names_begin(&f->own);
    enum err e = filter_names_take(&b, &f->own, is_fit ? m->filters : instead,
                                   is_fit ? m->n_filters : 1, NULL, &f->uses);
    (void)e; /* they fit */
    filter_names_end(&f->own);
    f->names = &f->own;
    return f;
}

static void release(struct consumer_filters *f)
{
    if (!f)
        return;
    filter_names_release(f->names, f->bound);
    part_dispose(&f->part);
    mem_free(f);
}

/* ---- one ---- */

static bool is_known(const credential *c)
{
    return credential_find(slice_from_cstr(c->type)) < CREDENTIAL_COUNT;
}

static size_t texts_of(const credential *c)
{
    return c->lookup.len + c->secret.len + strlen(c->algorithm) + strlen(c->id);
}

static struct slice id_of(const Weft__Config__V1__Resource *resource)
{
    struct slice name = slice_from_cstr(resource->name);
    bool has_prefix = slice_starts_with(name, SLICE(PREFIX));
    return has_prefix ? slice_sub(name, sizeof(PREFIX) - 1, name.len) : name;
}

/* What comes behind the struct: groups, credentials, texts. */
static size_t measure(const Weft__Config__V1__Resource *r, uint32_t *known)
{
    const message *m = r->consumer;
    size_t size = id_of(r).len + strlen(m->username) + strlen(m->custom_id);
    *known = 0;
    for (size_t i = 0; i < m->n_groups; i++)
        size += sizeof(struct slice) + strlen(m->groups[i]);
    for (size_t i = 0; i < m->n_credentials; i++) {
        if (!is_known(m->credentials[i]))
            continue;
        size += sizeof(struct consumer_credential) + texts_of(m->credentials[i]);
        ++*known;
    }
    return size;
}

static struct slice put(char **at, const void *bytes, size_t len)
{
    struct slice copy = {len ? *at : NULL, len};
    if (len)
        memcpy(*at, bytes, len);
    *at += len;
    return copy;
}

static struct slice put_text(char **at, const char *text)
{
    return put(at, text, strlen(text));
}

static void take_credential(const credential *from, const struct consumer *owner, char **at,
                            struct consumer_credential *to)
{
    *to = (struct consumer_credential){
        .consumer = owner,
        .type = credential_find(slice_from_cstr(from->type)),
        .lookup = put(at, from->lookup.data, from->lookup.len),
        .secret = put(at, from->secret.data, from->secret.len),
        .algorithm = put_text(at, from->algorithm),
        .id = put_text(at, from->id),
    };
}

struct consumer_part *consumer_part_create(const Weft__Config__V1__Resource *resource,
                                           filter_find_fn find, const void *filters)
{
    const message *m = resource->consumer;
    uint32_t known;
    size_t size = sizeof(struct consumer_part) + measure(resource, &known);
    struct consumer_part *p = mem_alloc(size);
    struct slice *groups = (struct slice *)(void *)(p + 1);
    struct consumer_credential *credentials = (void *)(groups + m->n_groups);
    char *at = (char *)(credentials + known);
    *p = (struct consumer_part){.size = (uint32_t)size, .filters = take_filters(resource)};
    if (p->filters)
        bind_filters(p->filters, find, filters);
    atomic_init(&p->refs, 1);
    struct slice id = id_of(resource);
    p->consumer = (struct consumer){
        .id = put(&at, id.ptr, id.len),
        .username = put_text(&at, m->username),
        .custom_id = put_text(&at, m->custom_id),
        .groups = groups,
        .credentials = credentials,
        .group_count = (uint32_t)m->n_groups,
        .created = m->created,
        .chain = p->filters ? p->filters->chain : NULL,
    };
    for (size_t i = 0; i < m->n_groups; i++)
        groups[i] = put_text(&at, m->groups[i]);
    for (size_t i = 0; i < m->n_credentials; i++)
        if (is_known(m->credentials[i]))
            take_credential(m->credentials[i], &p->consumer, &at,
                            &credentials[p->consumer.credential_count++]);
    return p;
}

struct consumer_part *consumer_part_bind(struct consumer_part *old, filter_find_fn find,
                                         const void *filters)
{
    struct consumer_part *from = old->from ? old->from : old;
    if (!old->filters ||
        filter_names_are_bound(old->filters->names, old->filters->bound, find, filters))
        return consumer_part_ref(old);
    uint32_t count = from->consumer.credential_count;
    size_t size = sizeof(struct consumer_part) + count * sizeof(struct consumer_credential);
    struct consumer_part *p = mem_alloc(size);
    struct consumer_credential *credentials = (void *)(p + 1);
    *p = (struct consumer_part){.size = (uint32_t)size,
                                .filters = mem_zalloc(sizeof(*p->filters)),
                                .from = consumer_part_ref(from),
                                .consumer = from->consumer};
    atomic_init(&p->refs, 1);
    part_init(&p->filters->part);
    p->filters->names = from->filters->names;
    p->filters->uses = from->filters->uses;
    bind_filters(p->filters, find, filters);
    p->consumer.chain = p->filters->chain;
    p->consumer.credentials = credentials;
    for (uint32_t i = 0; i < count; i++) {
        credentials[i] = from->consumer.credentials[i];
        credentials[i].consumer = &p->consumer;
    }
    return p;
}

struct consumer_part *consumer_part_ref(struct consumer_part *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void consumer_part_unref(struct consumer_part *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    release(p->filters);
    consumer_part_unref(p->from);
    digest_wipe(p, p->size);
    mem_free(p);
}

/* ---- all ---- */

static bool is_same(const struct consumer_table *t, struct consumer_part *const *parts,
                    uint32_t count)
{
    return t && t->count == count && memcmp(t->parts, parts, count * sizeof(parts[0])) == 0;
}

struct consumer_table *consumer_table_make(struct consumer_part *const *parts, uint32_t count,
                                           struct consumer_table *before)
{
    if (!count)
        return NULL;
    if (is_same(before, parts, count))
        return consumer_table_ref(before);
    struct consumer_table *t = mem_zalloc(sizeof(*t) + count * sizeof(t->parts[0]));
    const struct consumer **all = mem_alloc(count * sizeof(struct consumer *));
    atomic_init(&t->refs, 1);
    t->count = count;
    for (uint32_t i = 0; i < count; i++) {
        t->parts[i] = consumer_part_ref(parts[i]);
        all[i] = &parts[i]->consumer;
    }
    t->directory = consumer_directory_create(all, count);
    mem_free(all);
    return t;
}

struct consumer_table *consumer_table_ref(struct consumer_table *t)
{
    if (t)
        atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void consumer_table_unref(struct consumer_table *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < t->count; i++)
        consumer_part_unref(t->parts[i]);
    mem_free(t->directory);
    mem_free(t);
}
