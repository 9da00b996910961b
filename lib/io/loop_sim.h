/* A loop without libuv, for simulations: time stands still until it is told to pass, and nothing
 * blocks. Tasks, graves, timers and memory streams work on it; sockets, mailboxes, signals and
 * watches do not. loop_destroy ends it. Owned by one thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_sim_create(uint64_t now_ms);
/* Ends of turns until all is quiet: flush tasks, then graves. False when tasks keep queueing tasks.
 */
bool loop_sim_turn(struct loop *l);
/* Lets time pass: timers fire at their own moments, each followed by the end of a turn. */
void loop_sim_advance(struct loop *l, uint64_t ms);
/* Straight to the moment of the next timer (at most `limit_ms` away); false when there is none. */
bool loop_sim_skip(struct loop *l, uint64_t limit_ms);
