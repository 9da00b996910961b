/* A thread that runs one function, usually a loop. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct thread;

struct thread *thread_start(const char *name, void (*run)(void *arg), void *arg);
void thread_join(struct thread *t); /* and frees */
