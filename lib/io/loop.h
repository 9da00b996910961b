/* One libuv loop and the thread that runs it. What this adds to libuv is order at the end of a
 * turn: after all callbacks of a turn and before the loop may block, first every flush task runs
 * (so that what a connection gathered during the turn leaves in one write), then every buried
 * object is freed (so that nothing is ever freed inside its own callback). Everything here belongs
 * to the loop's own thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/list.h"

struct loop;

/* Work for the end of the turn. Embed it; it may be queued again from inside run. */
struct loop_task {
    struct list node;
    void (*run)(struct loop_task *task);
};

struct loop *loop_create(void);
/* Only after loop_run returned and everything on it was closed. */
void loop_destroy(struct loop *l);
/* Runs until loop_stop, then finishes closing what is already closing. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Milliseconds, monotonic, as of the start of this turn. */
uint64_t loop_now_ms(const struct loop *l);
/* Nanoseconds, monotonic, asked of the clock at most once per callback batch: cheap, and exact
 * enough for latencies. */
uint64_t loop_now_ns(struct loop *l);

void loop_task_init(struct loop_task *t, void (*run)(struct loop_task *));
/* Runs at the end of this turn, before the flush tasks: for work that will have something to flush.
 * Idempotent while queued. */
void loop_run_soon(struct loop *l, struct loop_task *t);
/* Idempotent while queued. Flush tasks queued by flush tasks run in the same phase. */
void loop_flush_later(struct loop *l, struct loop_task *t);
/* `run` frees the owner. Runs after all flush tasks of this turn; never twice. */
void loop_bury(struct loop *l, struct loop_task *t);
/* Takes a task out of whichever queue it is in. */
void loop_task_cancel(struct loop_task *t);

/* The worker-wide read chunk (64 KiB), so that an idle connection holds no buffer: empty (used is
 * 0) and referenced by nobody else, so never the chunk that an on_data further down the stack is
 * about. Fill it, set used, hand it out. Whoever received data in it may keep a reference; the loop
 * then takes a fresh one for the next read. */
struct chunk *loop_read_chunk(struct loop *l);
