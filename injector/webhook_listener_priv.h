/* What connections and requests of the listener share.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "injector/webhook_listener.h"
#include "lib/io/loop.h"
#include "lib/net/http_server.h"

struct stream_listener;

struct webhook_listener {
    struct loop *loop;
    struct webhook_listener_config config;
    struct http_server_config http;
    struct stream_listener *listener;
    struct loop_task grave;
};

/* webhook_request.c: the next request of a connection. */
struct http_stream *webhook_request_begin(struct http_server *server,
                                          struct webhook_listener *listener);
