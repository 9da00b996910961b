/* The table of series: found by hashes that the caller keeps, so that a request hashes no text.
 * One thread at a time. Must not know how series are shown.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/telemetry/series.h"

#include <string.h>

#include "lib/base/mem.h"
#include "sidecar/config/series_hash.h"

enum { CAPACITY_MIN = 32, TEXT_MAX = SERIES_HASH_TEXT_MAX };

static const struct slice unknown = {"unknown", 7};

static struct slice shown(struct slice text)
{
    return text.len ? slice_sub(text, 0, TEXT_MAX) : unknown;
}

uint64_t metrics_party_hash(const struct metrics_party *p)
{
    return series_hash_texts(p->workload, p->namespace_name, p->principal);
}

uint64_t metrics_service_hash(const struct metrics_service *s)
{
    return series_hash_texts(s->host, s->name, s->namespace_name);
}

/* Series that differ in nothing that is shown would be shown twice. */
static enum fail first_with_flag(enum fail f)
{
    int first = 0;
    while (first < (int)f && !slice_eq(fail_info((enum fail)first)->flag, fail_info(f)->flag))
        first++;
    return (enum fail)first;
}

static void identify(const struct metrics_key *key, enum fail fail, struct series_id *id)
{
    id->source = key->source.hash ? key->source.hash : metrics_party_hash(&key->source);
    id->destination =
        key->destination.hash ? key->destination.hash : metrics_party_hash(&key->destination);
    id->service = key->service.hash ? key->service.hash : metrics_service_hash(&key->service);
    id->rest = (uint64_t)key->reporter | (uint64_t)key->security << 4 |
               (uint64_t)key->protocol << 8 | (uint64_t)fail << 16 | (uint64_t)key->status << 32 |
               (uint64_t)(uint16_t)key->grpc_status << 48;
}

static uint64_t hash_id(const struct series_id *id)
{
    uint64_t ends = series_hash_mix(id->source, id->destination);
    return series_hash_mix(series_hash_mix(ends, id->service), id->rest);
}

static bool same_id(const struct series_id *a, const struct series_id *b)
{
    return a->source == b->source && a->destination == b->destination && a->service == b->service &&
           a->rest == b->rest;
}

void series_init(struct series_table *t, size_t text_max)
{
    *t = (struct series_table){.text_max = text_max};
}

void series_dispose(struct series_table *t)
{
    for (size_t i = 0; i < t->capacity; i++)
        mem_free(t->slots[i]);
    mem_free(t->slots);
    mem_free(t->overflow[0]);
    mem_free(t->overflow[1]);
}

static struct series *find(const struct series_table *t, uint64_t hash, const struct series_id *id)
{
    for (uint64_t at = hash; t->capacity; at++) {
        struct series *s = t->slots[at & (t->capacity - 1)];
        if (!s || (s->hash == hash && same_id(&s->id, id)))
            return s;
    }
    return NULL;
}

static void place(struct series_table *t, struct series *s)
{
    uint64_t at = s->hash;
    while (t->slots[at & (t->capacity - 1)])
        at++;
    t->slots[at & (t->capacity - 1)] = s;
    t->count++;
}

static void rebuild(struct series_table *t, size_t capacity)
{
    struct series **old = t->slots;
    size_t old_capacity = t->capacity;
    t->slots = mem_zalloc(capacity * sizeof(struct series *));
    t->capacity = capacity;
    t->count = 0;
    for (size_t i = 0; i < old_capacity; i++) {
        if (old[i])
            place(t, old[i]);
    }
    mem_free(old);
}

static void insert(struct series_table *t, struct series *s)
{
    if ((t->count + 1) * 2 > t->capacity)
        rebuild(t, t->capacity ? t->capacity * 2 : CAPACITY_MIN);
    place(t, s);
}

static size_t sizes_len(bool has_sizes)
{
    return has_sizes ? SERIES_SIZE_COUNT * sizeof(struct histogram) : 0;
}

static size_t texts_len(const struct series *s)
{
    size_t len = 0;
    for (size_t i = 0; i < SERIES_TEXT_COUNT; i++)
        len += s->text_len[i];
    return len;
}

static size_t shown_len(const struct slice texts[SERIES_TEXT_COUNT])
{
    size_t len = 0;
    for (size_t i = 0; i < SERIES_TEXT_COUNT; i++)
        len += shown(texts[i]).len;
    return len;
}

static struct series *create(const struct metrics_key *key, enum fail fail, bool has_sizes,
                             const struct slice texts[SERIES_TEXT_COUNT])
{
    size_t at = sizes_len(has_sizes);
    struct series *s = mem_zalloc(sizeof(*s) + at + shown_len(texts));
    s->reporter = key->reporter;
    s->security = key->security;
    s->protocol = key->protocol;
    s->fail = fail;
    s->status = key->status;
    s->grpc_status = key->grpc_status;
    s->has_sizes = has_sizes;
    for (size_t i = 0; i < SERIES_TEXT_COUNT; i++) {
        struct slice text = shown(texts[i]);
        memcpy(s->rest + at, text.ptr, text.len);
        s->text_len[i] = (uint16_t)text.len;
        at += text.len;
    }
    return s;
}

static void texts_of(const struct metrics_key *key, struct slice texts[SERIES_TEXT_COUNT])
{
    texts[SERIES_SOURCE_WORKLOAD] = key->source.workload;
    texts[SERIES_SOURCE_NAMESPACE] = key->source.namespace_name;
    texts[SERIES_SOURCE_PRINCIPAL] = key->source.principal;
    texts[SERIES_DESTINATION_WORKLOAD] = key->destination.workload;
    texts[SERIES_DESTINATION_NAMESPACE] = key->destination.namespace_name;
    texts[SERIES_DESTINATION_PRINCIPAL] = key->destination.principal;
    texts[SERIES_SERVICE] = key->service.host;
    texts[SERIES_SERVICE_NAME] = key->service.name;
    texts[SERIES_SERVICE_NAMESPACE] = key->service.namespace_name;
}

static struct series *overflow_of(struct series_table *t, bool is_opaque)
{
    static const struct slice name = {"overflow", 8};
    struct series **slot = &t->overflow[is_opaque];
    if (!*slot) {
        const struct slice texts[SERIES_TEXT_COUNT] = {name, name, name, name, name,
                                                       name, name, name, name};
        struct metrics_key key = {
            .protocol = is_opaque ? METRICS_TCP : METRICS_HTTP,
            .grpc_status = METRICS_NO_GRPC_STATUS,
        };
        *slot = create(&key, FAIL_NONE, t->has_sizes && !is_opaque, texts);
    }
    return *slot;
}

/* NULL when there is no room for it. */
static struct series *add_series(struct series_table *t, const struct metrics_key *key,
                                 enum fail fail, const struct series_id *id, uint64_t hash)
{
    struct slice texts[SERIES_TEXT_COUNT];
    texts_of(key, texts);
    size_t len = shown_len(texts);
    if (t->count >= METRICS_SERIES_MAX || (t->text_max && len > t->text_max - t->text_bytes))
        return NULL;
    bool is_opaque = metrics_is_opaque(key->protocol);
    struct series *s = create(key, fail, t->has_sizes && !is_opaque, texts);
    s->hash = hash;
    s->id = *id;
    insert(t, s);
    t->text_bytes += len;
    return s;
}

struct series *series_of(struct series_table *t, const struct metrics_key *key, bool *overflowed)
{
    enum fail fail = first_with_flag(key->fail);
    struct series_id id;
    identify(key, fail, &id);
    uint64_t hash = hash_id(&id);
    struct series *s = find(t, hash, &id);
    if (!s)
        s = add_series(t, key, fail, &id, hash);
    if (!s) {
        *overflowed = true;
        s = overflow_of(t, metrics_is_opaque(key->protocol));
    }
    s->touched = true;
    return s;
}

static struct series *resize(struct series *old, bool has_sizes)
{
    if (!old || old->has_sizes == has_sizes || metrics_is_opaque(old->protocol))
        return old;
    size_t len = texts_len(old);
    struct series *s = mem_zalloc(sizeof(*s) + sizes_len(has_sizes) + len);
    memcpy((void *)s, old, sizeof(*s));
    s->has_sizes = has_sizes;
    memcpy(s->rest + sizes_len(has_sizes), old->rest + sizes_len(old->has_sizes), len);
    mem_free(old);
    return s;
}

void series_count_sizes(struct series_table *t, bool on)
{
    if (t->has_sizes == on)
        return;
    t->has_sizes = on;
    for (size_t i = 0; i < t->capacity; i++)
        t->slots[i] = resize(t->slots[i], on);
    t->overflow[0] = resize(t->overflow[0], on);
}

static bool is_expired(struct series *s, uint64_t now_ms)
{
    if (s->touched) {
        s->touched = false;
        s->idle_from_ms = now_ms;
    }
    return now_ms - s->idle_from_ms >= METRICS_IDLE_MS;
}

void series_expire(struct series_table *t, uint64_t now_ms)
{
    bool any = false;
    for (size_t i = 0; i < t->capacity; i++) {
        if (t->slots[i] && is_expired(t->slots[i], now_ms)) {
            t->text_bytes -= texts_len(t->slots[i]);
            mem_free(t->slots[i]);
            t->slots[i] = NULL;
            any = true;
        }
    }
    if (any)
        rebuild(t, t->capacity);
}

static void add(metric_value *to, const metric_value *from)
{
    metric_add(to, metric_read(from));
}

static void merge_one(struct series *to, const struct series *from)
{
    add(&to->requests, &from->requests);
    metric_merge(&to->duration, &from->duration);
    for (enum series_size i = 0; i < SERIES_SIZE_COUNT && to->has_sizes && from->has_sizes; i++)
        metric_merge(series_size(to, i), series_size(from, i));
    add(&to->opened, &from->opened);
    add(&to->closed, &from->closed);
    add(&to->sent, &from->sent);
    add(&to->received, &from->received);
}

static struct series *duplicate(const struct series *s)
{
    size_t size = sizeof(*s) + sizes_len(s->has_sizes) + texts_len(s);
    struct series *copy = mem_alloc(size);
    memcpy((void *)copy, s, size);
    return copy;
}

void series_merge(struct series_table *to, const struct series_table *from)
{
    for (size_t i = 0; i < from->capacity; i++) {
        const struct series *s = from->slots[i];
        struct series *known = s ? find(to, s->hash, &s->id) : NULL;
        if (known)
            merge_one(known, s);
        else if (s) {
            insert(to, duplicate(s));
            to->text_bytes += texts_len(s);
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (from->overflow[i] && to->overflow[i])
            merge_one(to->overflow[i], from->overflow[i]);
        else if (from->overflow[i])
            to->overflow[i] = duplicate(from->overflow[i]);
    }
}

const struct series *series_next(const struct series_table *t, size_t *at)
{
    while (*at < t->capacity + 2) {
        size_t i = (*at)++;
        const struct series *s = i < t->capacity ? t->slots[i] : t->overflow[i - t->capacity];
        if (s)
            return s;
    }
    return NULL;
}

struct slice series_text(const struct series *s, enum series_text which)
{
    size_t at = sizes_len(s->has_sizes);
    for (int i = 0; i < (int)which; i++)
        at += s->text_len[i];
    return slice_of(s->rest + at, s->text_len[which]);
}
