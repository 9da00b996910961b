/* What connections and requests of the door share.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "injector/webhook_door.h"
#include "lib/io/loop.h"
#include "lib/net/http_server.h"

struct door;

struct webhook_door {
    struct loop *loop;
    struct webhook_door_config config;
    struct http_server_config http;
    struct door *door;
    struct loop_task grave;
};

/* webhook_request.c: the next request of a connection. */
struct http_stream *webhook_request_begin(struct http_server *server, struct webhook_door *door);
