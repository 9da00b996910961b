/* A client, an app, and two Redis servers of one Service, for whose connections the test speaks.
 * sim_redis.c has a filter in the place of filters/direct_response.c, under its name: it runs a
 * script with the path as key, and sends on what the server said.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdio.h>
#include <string.h>

#include "filters/redis.h"
#include "sidecar/upstream/redis_ask.h"
#include "tests/sim/sim_mesh.h"

#define REDIS_FIRST "10.0.0.2:6379"
#define REDIS_SECOND "10.0.0.3:6379"
#define PING "*1\r\n$4\r\nPING\r\n"
#define PONG "+PONG\r\n"
#define SOURCE "return 1"
/* The SHA-1 of SOURCE. */
#define EVALSHA_X                                                                                  \
    "*4\r\n$7\r\nEVALSHA\r\n$40\r\ne0e1f9fabfc9d4800c877a703b823ac0578ff8db\r\n$1\r\n1\r\n"        \
    "$2\r\n/x\r\n"
#define EVAL_X "*4\r\n$4\r\nEVAL\r\n$8\r\nreturn 1\r\n$1\r\n1\r\n$2\r\n/x\r\n"
#define NOSCRIPT "-NOSCRIPT No matching script. Please use EVAL.\r\n"

struct sim_redis {
    struct sim_road r;
    sim_cluster *redis;
    struct sim_app first, second;
};

/* more: of the filter's specification, as `,"database":1`. */
void sim_redis_prepare(struct sim_redis *w, const char *more);
struct sim_peer *sim_redis_start(struct sim_redis *w);
/* Both, with nothing more. */
struct sim_peer *sim_redis_open(struct sim_redis *w);
void sim_redis_finish(struct sim_redis *w, struct sim_peer *client);
void sim_redis_get(struct sim_redis *w, struct sim_peer *client);
/* The next connection to a server; NULL: there is none. */
struct sim_peer *sim_redis_connection(struct sim_redis *w, struct sim_app *app);
/* The same of one without a password, greeted. */
struct sim_peer *sim_redis_greeted(struct sim_redis *w, struct sim_app *app);
void sim_redis_say(struct sim_redis *w, struct sim_peer *server, const char *text);
/* The request goes on, with what the server said. *app: its connection; NULL: it is new. */
void sim_redis_expect_said(struct sim_redis *w, struct sim_peer *client, struct sim_peer **app,
                           const char *said);
void sim_redis_expect_refused(struct sim_peer *client, const char *why);
