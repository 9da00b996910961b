/* The server end of an HTTP/1 connection as its two files share it: http_server_h1.c (life, input)
 * and http_server_h1_send.c (answers). Not for anybody else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/timer.h"
#include "lib/net/http_h1.h"
#include "lib/net/http_server_priv.h"

struct http_server_h1 {
    struct http_server base;
    struct http_h1 h;
    struct timer timer; /* of a head that has begun, or of idleness */
    uint64_t idle_since_ms;
    enum err abort_why; /* when dying */
    const char *detail;
    bool timing_head;
    bool eof;                         /* the client sends no more, … */
    bool bare_eof;                    /* … and TLS did not say so */
    bool is_1_0, is_head, is_connect; /* the current request */
    bool awaits_100;                  /* the client waits for a 100 before it sends the body */
    bool answered;                    /* the final head was given to us … */
    bool head_open;                   /* … and its last lines were not written yet */
    bool tunnel;                      /* it switched protocols */
    bool shut;                        /* our direction of the tunnel is closed */
    bool settled; /* the user reset it after its last byte: only sending is left */
    bool close_after;
};

extern const struct http_stream_ops http_server_h1_stream_ops;

void http_server_h1_finish(struct http_server_h1 *c, enum err abort_why, enum http_close how,
                           enum err why, const char *detail);
/* For use inside the user's calls: everything ends at the end of the turn. */
void http_server_h1_die(struct http_server_h1 *c, enum err why, const char *detail);
/* Frames and sends what the user gave; true when that ended the exchange, so that there may be
 * more. */
bool http_server_h1_push(struct http_server_h1 *c);
