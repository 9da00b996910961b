/* The process's parts, for app.c and app_admin.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/timer.h"
#include "lib/net/idle_memory.h"
#include "sidecar/control/app.h"
#include "sidecar/config/snapshot.h"

struct admin;
struct app_metrics;
struct app_probes;
struct identity;
struct mesh_identity;
struct signals;
struct source_folder;
struct source_stream;
struct thread;
struct work_pool;

struct app {
    const struct settings *settings;
    struct loop *loop;
    struct mailbox *mailbox;
    struct work_pool *work;
    struct signals *signals;
    struct source_folder *source; /* one of the two */
    struct source_stream *stream;
    struct snapshot *snapshot; /* what was last published; NULL: nothing was */
    struct identity *identity;
    struct mesh_identity *mesh;
    uint64_t identity_generation;
    struct worker *workers;
    struct thread **threads;
    unsigned worker_count, listening;
    uint64_t *adopted;       /* by worker: snapshot version */
    uint32_t *sessions_left; /* by worker, while draining */
    struct admin *admin[3];  /* administration, metrics, health */
    struct app_probes *probes;
    struct app_metrics *metrics; /* the app's own; NULL: none */
    unsigned metrics_pages;      /* that are being read */
    struct idle_memory memory;
    struct timer pump, drain_delay, drain_deadline, drain_look;
    bool is_leaving;      /* not ready any more, and soon draining */
    bool is_draining;     /* what comes in … */
    bool is_draining_all; /* … and what the app sends as well */
    bool was_app_seen;    /* by its sockets, while draining */
    unsigned empty_looks; /* for them, in a row */
    int exit_status;
};
