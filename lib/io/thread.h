/* A thread that runs one function, usually a loop. Joined once, by whoever owns it. It takes no
 * signals: those land on the main thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct thread;

/* The name (15 bytes of it) is what ps and perf show. Aborts when the system has no thread left. */
struct thread *thread_start(const char *name, void (*run)(void *arg), void *arg);
void thread_join(struct thread *t); /* and frees */
