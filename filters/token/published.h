/* Documents that an issuer publishes at a URI, its keys or its metadata: fetched when a request
 * first needs them, again before they grow old and when a token names a key that is not among them;
 * the last good ones hold when that fails. One for all workers, kept while configurations change.
 * Worker threads, but for what says otherwise.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdatomic.h>

#include "filters/fetch.h"
#include "lib/base/arena.h"

#define PUBLISHED_TIMEOUT_MS 5000         /* where nobody says another */
#define PUBLISHED_SPACING_MS 6000         /* between fetches … */
#define PUBLISHED_SPACING_NONE_MS 1000    /* … while there is nothing at all … */
#define PUBLISHED_COOLDOWN_MS 10000       /* … and for a key that is not known */
#define PUBLISHED_PER_MINUTE 10u          /* fetches */
#define PUBLISHED_LAST_GOOD_MS 86400000   /* what could not be fetched again is good for */
#define PUBLISHED_WAITS_MAX 4u            /* of one exchange, where an issuer has several */
#define PUBLISHED_CACHE_MIN_MS 60000      /* whatever Cache-Control says */

#define PUBLISHED_WHY_MAX 160

/* Immutable but for its count; the first member of what was read. */
struct published_doc {
    _Atomic uint32_t refs;
    struct arena arena;
    uint8_t digest[32]; /* of the text */
};

void published_doc_unref(struct published_doc *d);

struct published;

/* What kind of document it is. */
struct published_kind {
    const char *filter, *noun; /* for the log: "jwt", "keys" */
    size_t doc_size;           /* of what begins with a published_doc */
    uint32_t text_max;
    /* Into d, which is zeroed, and its arena. On a worker; one at a time for each source.
     * ERR_INVALID, with words that follow "the document ". */
    enum err (*read)(struct published *from, struct slice text, struct published_doc *d,
                     char why[PUBLISHED_WHY_MAX]);
};

struct published {
    struct filter_fetch fetch; /* first */
    const struct published_kind *what;
    struct published *next;    /* in the list */
    struct published *derived; /* what a document of this one has led to: its `read`'s */
    struct arena arena;
    struct slice uri;
    _Atomic(struct published_doc *) doc; /* NULL: none, or somebody is taking a reference */
    _Atomic bool has_doc, has_failed; /* has_failed: the last time; it is in the log */
    _Atomic uint64_t version;         /* of the document */
    _Atomic uint64_t finished;        /* fetches, good or bad */
    _Atomic uint64_t good_ms, tried_ms, minute_ms; /* of the loops' clock */
    _Atomic uint32_t in_minute;
    _Atomic uint64_t max_age_ms; /* that the issuer asks for; UINT64_MAX: it does not */
};

/* The one for that URI, cluster and timeout (0: PUBLISHED_TIMEOUT_MS) in the list, made if need be.
 * Whoever owns the list calls it: the control thread, or a kind's `read`. */
struct published *published_of(struct published **list, const struct published_kind *what,
                               struct filter_keep *keep, struct slice uri, struct slice cluster,
                               uint32_t timeout_ms);
/* Nobody uses them any more. */
void published_destroy_all(struct published *list);

/* How one exchange waits for a document; zeroed. */
struct published_wait {
    const struct published *of; /* for which; NULL: it has not waited yet */
    unsigned count;             /* how often it has */
    uint64_t due_ms;
    uint64_t seen; /* what `finished` was */
    bool has_asked_again;
};

enum published_state {
    PUBLISHED_READY,
    PUBLISHED_WAIT, /* answer FILTER_WAIT: the exchange will be woken */
    PUBLISHED_NONE, /* they could not be fetched */
};

/* The document, with a reference; cache_ms: how long it is good for at most without asking. */
enum published_state published_take(struct filter_exchange *x, struct published *s,
                                    uint64_t cache_ms, struct published_wait *wait,
                                    struct published_doc **out);
/* A token names a key that is not there. True: the document is being fetched again, and the
 * exchange waits; only once for each. */
bool published_ask_again(struct filter_exchange *x, struct published *s,
                         struct published_wait *wait);
/* Is the document of that version, and not older than that? Where it soon will be it is fetched
 * again meanwhile. */
bool published_is_current(struct filter_exchange *x, struct published *s, uint64_t cache_ms,
                           uint64_t version);
