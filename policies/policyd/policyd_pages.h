/* What policyd tells people and probes over plain HTTP: /healthz, /readyz, /metrics and
 * /debug/subscribers. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/addr.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct compile_cache;
struct discovery_listener;
struct loop;
struct policyd_pages;
struct subscriber_list;
struct object_store;

/* All must outlive the pages; NULL where there is none. */
struct policyd_pages_config {
    struct loop *loop;
    struct addr at;
    struct object_store *world;
    struct compile_cache *cache;
    struct subscriber_list *subscribers;
    struct discovery_listener *listener;
    uint64_t (*writes)(void *owner); /* of statuses */
    bool (*is_leader)(void *owner);
    unsigned (*troubles)(void *owner); /* kinds out of contact */
    void *owner;
};

MUST_USE enum err policyd_pages_open(const struct policyd_pages_config *config,
                                     struct policyd_pages **out);
void policyd_pages_close(struct policyd_pages *p);
