/* Writes to the API server what the status of objects should say, while active: a few at a time, at
 * a bounded rate, and never twice the same; and an Event for every object that is refused. On the
 * loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/status/status.h"

struct compile_cache;
struct kube_client;
struct loop;
struct status_writer;
struct object_store;

struct status_writer_config {
    struct loop *loop;
    struct kube_client *client;
    struct object_store *world;
    /* How a Gateway's data plane is. */
    void (*gateway)(void *owner, const struct object *gateway, struct status_gateway *out);
    bool (*is_busy)(void *owner); /* with what is more urgent */
    void *owner;
    const struct compile_cache *cache; /* for what no data plane can use */
};

struct status_writer *status_writer_open(const struct status_writer_config *config);
void status_writer_close(struct status_writer *w);
/* Look at everything again, soon; or stop writing. */
void status_writer_set_active(struct status_writer *w, bool is_active);
/* Statuses written since the start. */
uint64_t status_writer_count(const struct status_writer *w);
