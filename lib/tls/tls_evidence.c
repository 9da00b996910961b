/* A table of what peers have shown, one for each thread: clients of a mesh come with few
 * certificates and many connections. It goes when the last of them is released.
 * Must not know what the certificates say.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/tls_evidence.h"

#include <string.h>

#include "lib/base/mem.h"

enum { BUCKETS_MIN = 16 };

struct table {
    struct tls_evidence **buckets;
    size_t size, count; /* size: a power of two */
};

static _Thread_local struct table table;

static struct tls_evidence **bucket_of(const uint8_t digest[DIGEST_SIZE])
{
    size_t hash;
    memcpy(&hash, digest, sizeof(hash));
    return &table.buckets[hash & (table.size - 1)];
}

static void resize(size_t size)
{
    struct table old = table;
    table.buckets = mem_zalloc(size * sizeof(struct tls_evidence *));
    table.size = size;
    for (size_t i = 0; i < old.size; i++)
        for (struct tls_evidence *e = old.buckets[i], *next; e; e = next) {
            struct tls_evidence **bucket = bucket_of(e->digest);
            next = e->next;
            e->next = *bucket;
            *bucket = e;
        }
    mem_free(old.buckets);
}

/* Where each certificate ends is part of what it says itself, so the bytes alone tell lists apart.
 */
static char *join(const struct slice *certs, size_t count, size_t *total)
{
    *total = 0;
    for (size_t i = 0; i < count; i++)
        *total += certs[i].len;
    char *all = mem_alloc(*total + 1), *at = all;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, certs[i].ptr, certs[i].len);
        at += certs[i].len;
    }
    return all;
}

static struct tls_evidence *make(const struct slice *certs, size_t count, const char *bytes,
                                 size_t total)
{
    struct tls_evidence *e = mem_alloc(sizeof(*e) + count * sizeof(e->certs[0]) + total);
    char *at = (char *)&e->certs[count];
    memcpy(at, bytes, total);
    for (size_t i = 0; i < count; i++) {
        e->certs[i] = slice_of(at, certs[i].len);
        at += certs[i].len;
    }
    e->count = count;
    e->refs = 0;
    return e;
}

struct tls_evidence *tls_evidence_take(const struct slice *certs, size_t count)
{
    uint8_t digest[DIGEST_SIZE];
    size_t total;
    char *bytes = join(certs, count, &total);
    digest_sha256(slice_of(bytes, total), digest);
    if (table.count >= table.size)
        resize(table.size ? table.size * 2 : BUCKETS_MIN);
    struct tls_evidence **bucket = bucket_of(digest), *e = *bucket;
    while (e && memcmp(e->digest, digest, DIGEST_SIZE) != 0)
        e = e->next;
    if (!e) {
        e = make(certs, count, bytes, total);
        memcpy(e->digest, digest, DIGEST_SIZE);
        e->next = *bucket;
        *bucket = e;
        table.count++;
    }
    mem_free(bytes);
    e->refs++;
    return e;
}

void tls_evidence_release(struct tls_evidence *e)
{
    if (!e || --e->refs)
        return;
    struct tls_evidence **at = bucket_of(e->digest);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    mem_free(e);
    if (--table.count)
        return;
    mem_free(table.buckets);
    table = (struct table){0};
}
