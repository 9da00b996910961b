/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/published.h"

#include <stdarg.h>
#include <stdio.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/codec/http/http_uri.h"
#include "lib/tls/digest.h"

#define POLL_MS 25 /* how often an exchange looks whether another worker has fetched */
#define MINUTE_MS 60000
#define ARENA_BLOCK 4096

/* ---- a document ---- */

void published_doc_unref(struct published_doc *d)
{
    if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_dispose(&d->arena);
    mem_free(d);
}

static struct published_doc *read_doc(struct published *s, struct slice text,
                                      char why[PUBLISHED_WHY_MAX])
{
    struct published_doc *d = mem_zalloc(s->what->doc_size);
    atomic_init(&d->refs, 1);
    arena_init(&d->arena, ARENA_BLOCK);
    digest_sha256(text, d->digest);
    if (!s->what->read(s, text, d, why))
        return d;
    published_doc_unref(d);
    return NULL;
}

/* Whoever takes a reference holds the place for that moment; what has come meanwhile is newer. */
static struct published_doc *borrow(struct published *s)
{
    struct published_doc *none = NULL;
    struct published_doc *k = atomic_exchange_explicit(&s->doc, NULL, memory_order_acq_rel);
    if (!k)
        return NULL;
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&s->doc, &none, k, memory_order_acq_rel,
                                                 memory_order_relaxed))
        published_doc_unref(k);
    return k;
}

static void put(struct published *s, struct published_doc *k)
{
    published_doc_unref(atomic_exchange_explicit(&s->doc, k, memory_order_acq_rel));
    atomic_store(&s->has_doc, true);
    atomic_fetch_add(&s->version, 1);
}

/* ---- what was fetched ---- */

static void note_failure(struct published *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void note_failure(struct published *s, const char *format, ...)
{
    char why[256];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof(why), format, args);
    va_end(args);
    if (!atomic_exchange(&s->has_failed, true))
        LOG_W(s->what->filter, "%s of %.*s: %s%s", s->what->noun, SLICE_ARG(s->uri), why,
              atomic_load(&s->has_doc) ? "; the last good ones stay in use" : "");
}

/* "max-age=600" of Cache-Control (RFC 9111 §5.2.2.1); no-store and no-cache ask for none at all. */
static uint64_t max_age_ms(const struct message *response)
{
    const struct header *h = headers_find(&response->headers, SLICE("cache-control"));
    struct slice rest = h ? h->value : SLICE(""), part, name = SLICE("max-age=");
    uint64_t seconds, age = UINT64_MAX;
    while (slice_split(&rest, ',', &part)) {
        part = slice_trim(part);
        if (slice_eq_nocase(part, SLICE("no-store")) || slice_eq_nocase(part, SLICE("no-cache")))
            return 0;
        if (slice_eq_nocase(slice_sub(part, 0, name.len), name) &&
            !slice_to_u64(slice_sub(part, name.len, part.len), &seconds) && seconds < UINT32_MAX)
            age = seconds * 1000;
    }
    return age;
}

static bool is_same(struct published *s, const struct published_doc *k)
{
    struct published_doc *now = borrow(s);
    bool same = now && memcmp(now->digest, k->digest, sizeof(k->digest)) == 0;
    published_doc_unref(now);
    return same;
}

static void take_answer(struct published *s, const struct filter_fetched *got)
{
    char why[PUBLISHED_WHY_MAX];
    if (got->failed) {
        note_failure(s, "%.*s (%.*s)", SLICE_ARG(got->failed->text), SLICE_ARG(got->detail));
        return;
    }
    if (got->response->status != 200) {
        note_failure(s, "the answer has status %u", (unsigned)got->response->status);
        return;
    }
    struct published_doc *k = read_doc(s, got->body, why);
    if (!k) {
        note_failure(s, "the document %s", why);
        return;
    }
    if (atomic_exchange(&s->has_failed, false))
        LOG_I(s->what->filter, "%s of %.*s: fetched again", s->what->noun, SLICE_ARG(s->uri));
    atomic_store(&s->max_age_ms, max_age_ms(got->response));
    atomic_store(&s->good_ms, got->now_ms);
    if (is_same(s, k))
        published_doc_unref(k);
    else
        put(s, k);
}

static void on_fetched(struct filter_fetch *f, const struct filter_fetched *got)
{
    struct published *s = container_of(f, struct published, fetch);
    take_answer(s, got);
    atomic_fetch_add(&s->finished, 1);
}

/* ---- when to fetch ---- */

/* Two workers may pass this at once; only one of them begins. */
static bool may_begin(const struct published *s, uint64_t now, uint64_t spacing_ms)
{
    uint64_t tried = atomic_load(&s->tried_ms);
    if (tried && now - tried < spacing_ms)
        return false;
    return now - atomic_load(&s->minute_ms) >= MINUTE_MS ||
           atomic_load(&s->in_minute) < PUBLISHED_PER_MINUTE;
}

/* True: one is under way. */
static bool begin(struct filter_exchange *x, struct published *s, uint64_t spacing_ms)
{
    uint64_t now = x->host->now_ms(x);
    if (atomic_load(&s->fetch.is_under_way))
        return true;
    if (!may_begin(s, now, spacing_ms))
        return false;
    if (!x->host->fetch(x, &s->fetch))
        return true;
    atomic_store(&s->tried_ms, now);
    if (now - atomic_load(&s->minute_ms) >= MINUTE_MS) {
        atomic_store(&s->minute_ms, now);
        atomic_store(&s->in_minute, 0);
    }
    atomic_fetch_add(&s->in_minute, 1);
    return true;
}

static uint64_t lifetime(const struct published *s, uint64_t cache_ms)
{
    uint64_t said = atomic_load(&s->max_age_ms);
    uint64_t least = cache_ms < PUBLISHED_CACHE_MIN_MS ? cache_ms : PUBLISHED_CACHE_MIN_MS;
    return said < least ? least : said < cache_ms ? said : cache_ms;
}

static uint64_t age(const struct published *s, uint64_t now)
{
    uint64_t good = atomic_load(&s->good_ms);
    return now > good ? now - good : 0;
}

/* ---- an exchange that waits ---- */

static enum published_state wait_for(struct filter_exchange *x, const struct published *s,
                                    struct published_wait *w, uint64_t seen)
{
    w->of = s;
    w->count++;
    w->seen = seen;
    w->due_ms = x->host->now_ms(x) + s->fetch.timeout_ms;
    x->host->wake_after(x, POLL_MS);
    return PUBLISHED_WAIT;
}

static bool still_waits(struct filter_exchange *x, const struct published *s,
                        const struct published_wait *w)
{
    if (w->of != s || atomic_load(&s->finished) != w->seen || x->host->now_ms(x) >= w->due_ms)
        return false;
    x->host->wake_after(x, POLL_MS);
    return true;
}

enum published_state published_take(struct filter_exchange *x, struct published *s,
                                    uint64_t cache_ms, struct published_wait *wait,
                                    struct published_doc **out)
{
    uint64_t now = x->host->now_ms(x), seen = atomic_load(&s->finished);
    uint64_t life = lifetime(s, cache_ms), old = age(s, now);
    bool has_one = atomic_load(&s->has_doc) && old < PUBLISHED_LAST_GOOD_MS;
    uint64_t spacing = has_one ? PUBLISHED_SPACING_MS : PUBLISHED_SPACING_NONE_MS;
    bool is_fresh = has_one && old < life;
    *out = NULL;
    if (still_waits(x, s, wait))
        return PUBLISHED_WAIT;
    bool may_wait = wait->of != s && wait->count < PUBLISHED_WAITS_MAX;
    if (!is_fresh && may_wait && begin(x, s, spacing))
        return wait_for(x, s, wait, seen);
    if (!has_one)
        return PUBLISHED_NONE;
    if (old >= life / 10 * 8)
        begin(x, s, spacing);
    *out = borrow(s);
    if (*out)
        return PUBLISHED_READY;
    x->host->wake(x); /* another worker is taking its reference in this moment */
    return PUBLISHED_WAIT;
}

bool published_ask_again(struct filter_exchange *x, struct published *s,
                         struct published_wait *wait)
{
    uint64_t seen = atomic_load(&s->finished);
    if (wait->has_asked_again || !begin(x, s, PUBLISHED_COOLDOWN_MS))
        return false;
    wait->has_asked_again = true;
    wait_for(x, s, wait, seen);
    return true;
}

bool published_is_current(struct filter_exchange *x, struct published *s, uint64_t cache_ms,
                           uint64_t version)
{
    uint64_t old = age(s, x->host->now_ms(x)), life = lifetime(s, cache_ms);
    if (atomic_load(&s->version) != version || old >= life)
        return false;
    if (old >= life / 10 * 8)
        begin(x, s, PUBLISHED_SPACING_MS);
    return true;
}

/* ---- life ---- */

static struct published *create(const struct published_kind *what, struct filter_keep *keep,
                                struct slice uri, struct slice cluster, uint32_t timeout_ms)
{
    struct published *s = mem_zalloc(sizeof(*s));
    struct http_uri parts;
    s->what = what;
    arena_init(&s->arena, 512);
    s->uri = arena_copy(&s->arena, uri);
    if (!http_uri_read(s->uri, &parts))
        parts = (struct http_uri){.path = SLICE("/")};
    s->fetch = (struct filter_fetch){.keep = keep,
                                     .cluster = arena_copy(&s->arena, cluster),
                                     .authority = parts.authority,
                                     .path = parts.path,
                                     .accept = SLICE("application/json"),
                                     .timeout_ms = timeout_ms,
                                     .body_max = s->what->text_max,
                                     .done = on_fetched};
    atomic_init(&s->max_age_ms, UINT64_MAX);
    return s;
}

struct published *published_of(struct published **list, const struct published_kind *what,
                               struct filter_keep *keep, struct slice uri, struct slice cluster,
                               uint32_t timeout_ms)
{
    timeout_ms = timeout_ms ? timeout_ms : PUBLISHED_TIMEOUT_MS;
    for (struct published *s = *list; s; s = s->next)
        if (s->what == what && slice_eq(s->uri, uri) && slice_eq(s->fetch.cluster, cluster) &&
            s->fetch.timeout_ms == timeout_ms)
            return s;
    struct published *s = create(what, keep, uri, cluster, timeout_ms);
    s->next = *list;
    return *list = s;
}

void published_destroy_all(struct published *list)
{
    while (list) {
        struct published *s = list;
        list = s->next;
        published_destroy_all(s->derived);
        published_doc_unref(atomic_load(&s->doc));
        arena_dispose(&s->arena);
        mem_free(s);
    }
}
