/* What a balancer is: a row of policies/kinds/lb.def and a file lb_<symbol>.c with its table. It
 * chooses among the endpoints that lb_is_usable and remembers at most what its state holds.
 * Worker thread; nothing is allocated while it chooses.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/rand.h"
#include "sidecar/upstream/cluster.h"
#include "sidecar/worker/worker.h"

/* What is asked of an endpoint, less and less until there is one. */
enum lb_level {
    LB_HEALTHY_AND_NEW,
    LB_BACKUP_AND_NEW, /* as above, and backups count */
    LB_HEALTHY,
    LB_BACKUP,
    LB_READY_AND_NEW, /* from here on backups count */
    LB_READY,
    LB_LEVEL_COUNT
};

/* One choice: what it is made for. */
struct pick {
    struct cluster *cluster; /* with two endpoints at least */
    struct endpoint *const *tried; /* by earlier attempts of this request */
    unsigned tried_count;
    uint64_t key; /* equal for requests that should meet the same endpoint */
    uint64_t now_ms;
    enum lb_level level;
    const struct endpoint *passed; /* it is another's turn; NULL: nobody is */
};

struct lb {
    bool is_keyed;     /* it chooses by pick.key */
    size_t state_size; /* of what it remembers of a cluster; zeroed when it begins */
    /* NULL: none is usable at this level. */
    struct endpoint *(*pick)(struct pick *p);
};

#define LB(symbol, name, doc) extern const struct lb lb_##symbol;
#include "policies/kinds/lb.def"
#undef LB

/* Ready, healthy and not tried before, as the level asks. */
bool lb_is_usable(const struct pick *p, const struct endpoint *e);
/* Beginning at that index, the first that is usable; *next is the index behind it. */
struct endpoint *lb_scan(const struct pick *p, uint32_t start, uint32_t *next);

/* A usable endpoint at random. */
static inline struct endpoint *lb_any(const struct pick *p)
{
    uint32_t next;
    struct cluster *c = p->cluster;
    return lb_scan(p, rand_below(&c->worker->rand, c->endpoint_count), &next);
}

/* Of two at random the one with the smaller load for its weight ("power of two choices"). */
static inline struct endpoint *lb_of_two(const struct pick *p,
                                         double (*load)(const struct pick *p,
                                                        const struct endpoint *e))
{
    struct endpoint *a = lb_any(p), *b = a ? lb_any(p) : NULL;
    if (a == b)
        return a;
    return load(p, a) / a->conf->weight <= load(p, b) / b->conf->weight ? a : b;
}
