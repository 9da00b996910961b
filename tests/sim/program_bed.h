/* A whole program of the control plane in memory: its real composition on a simulated loop, with
 * streams instead of sockets, a clock that moves when it is told to, and an API server. The linker
 * hands over what the program asks the system for (CMakeLists.txt lists it: --wrap). One at a time.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "tests/sim/fake_kube.h"
#include "tests/sim/sim_net.h"

/* cmocka's group fixtures. */
int program_set_up(void **state);
int program_tear_down(void **state);

/* Runs the program to its end. `script` is what happens while its loop runs; it is not called when
 * the program does not come so far. Its clients of Kubernetes meet an API server, which `before`
 * (may be NULL) may fill. Returns the program's exit status. */
int program_run(int (*serve)(void), void (*before)(void), void (*script)(void));

struct loop *program_loop(void);
struct fake_kube *program_kube(void);
void program_advance(uint64_t ms);
void program_signal(int number);
/* Somebody changed files in a folder that is watched. */
void program_touch_files(void);
/* The program has asked for the end of its loop. */
bool program_is_over(void);

/* A connection of somebody at 10.0.0.7 to a port of this program; its user is set by stream_use. */
struct stream *program_dial(const char *at);
/* The answer to a plain request, head and body; valid until the next. "": the connection ended. */
const char *program_ask(const char *at, const char *method, const char *path);
/* A POST of JSON over TLS, to a server of that name by these roots (PEM). */
const char *program_post(const char *at, const char *roots, const char *name, const char *path,
                         const char *json);
/* That status, and `part` somewhere in the answer. */
void program_expect(const char *at, const char *path, unsigned status, const char *part);
