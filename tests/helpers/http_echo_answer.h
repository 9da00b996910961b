/* The requests of the test app: what each path answers. On the app's only thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/*   /            the app's name and a newline
 *   /echo        GET: the request as text; other methods: the body as it comes, trailers too
 *   /status/NNN  that status           /delay/MS     the name, later
 *   /bytes/N     N bytes               /slow/N/MS    N lines, one every MS milliseconds
 *   /early/NNN   that status before the request's body is read
 *   /trailers    a body and trailers   /headers      the request's head as JSON
 *   /reset       no answer: the stream is reset
 * A request that asks for another protocol is given a raw echo. */

#include "lib/base/list.h"
#include "lib/net/http_server.h"

struct loop;

struct http_echo_answer_options {
    struct loop *loop;
    const char *name;  /* in the field x-app and in bodies */
    unsigned always;   /* a status for everything; 0: as the path says */
    uint64_t answered; /* counts */
};

/* For http_server_events.on_stream. */
struct http_stream *http_echo_answer_create(struct http_echo_answer_options *options);
