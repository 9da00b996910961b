/* A lease as its files share it: kube_lease.c (when to ask for what) and kube_lease_record.c (the
 * Lease object). On the client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/rand.h"
#include "lib/codec/doc/doc.h"
#include "lib/io/loop.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_lease.h"
#include "lib/kube/kube_time.h"
#include "lib/kube/kube_write.h"

#define KUBE_LEASE_VERSION_MAX 64

/* What the Lease said when it was last seen. */
struct kube_lease_record {
    char version[KUBE_LEASE_VERSION_MAX + 1];
    char acquired[KUBE_TIME_TEXT_MAX];
    bool is_ours, is_free;
    uint64_t duration_ms;
    int64_t transitions;
};

struct kube_lease {
    struct kube_client *client;
    struct loop *loop;
    char *namespace_name, *name, *holder;
    uint32_t duration_ms, renew_ms;
    kube_lease_fn changed;
    void *owner;
    void (*closed)(void *owner);
    void *closed_owner;
    struct timer next;   /* the next question, or the next renewal */
    struct timer expiry; /* until when we hold it if nothing more is heard */
    struct loop_task task;
    struct rand_state rand;
    struct kube_request *request;
    struct kube_lease_record record;
    uint64_t seen_ms; /* when the record last changed, for what we can see */
    uint64_t sent_ms; /* when the write under way was sent */
    uint64_t until_ms;
    unsigned races;    /* lost, one after the other */
    unsigned failures; /* in a row, while somebody else or nobody leads */
    bool leads, closing, releasing, creating;
};

/* Where the Lease is. */
struct kube_ref kube_lease_ref(const struct kube_lease *l);
/* False when it is no Lease. */
bool kube_lease_record_read(const struct kube_lease *l, struct slice json,
                            struct kube_lease_record *out);
/* The Lease with us (or, to release it, nobody) as its holder, written over l->record; mem_free
 * it. */
char *kube_lease_record_write(struct kube_lease *l, bool is_new, bool release);
