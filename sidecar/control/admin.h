/* A small HTTP server on the control loop, for people and for Kubernetes: a table of paths, each
 * with a function that answers now or later. Control thread; knows nothing of what it shows.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/addr.h"
#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/slice.h"

struct admin;
struct admin_request;
struct loop;

struct admin_route {
    const char *method; /* "GET", "POST" */
    const char *path;   /* exact, without query; "/a/" followed by '*': everything below */
    /* Answers with admin_reply, now or later, exactly once. */
    void (*handle)(void *owner, struct admin_request *request);
};

/* routes must outlive the server. */
MUST_USE enum err admin_open(struct loop *l, const struct addr *at,
                             const struct admin_route *routes, size_t count, void *owner,
                             struct admin **out);
void admin_close(struct admin *a);

/* The path, without query. Valid until the reply. */
struct slice admin_path(const struct admin_request *request);
/* Value of a query parameter, or the empty slice. Valid until the reply. */
struct slice admin_query(const struct admin_request *request, const char *name);
/* Takes the body. */
void admin_reply(struct admin_request *request, unsigned status, const char *content_type,
                 struct buf *body);
void admin_reply_text(struct admin_request *request, unsigned status, const char *text);
/* In place of a reply: the connection breaks off. For whom any answer is a success. */
void admin_break(struct admin_request *request);

/* A body that is made while it is sent, so that a long page is never in memory as a whole. */
struct admin_body {
    /* Appends the next piece, of about `enough` bytes; false: that was the last. */
    bool (*more)(struct admin_body *b, struct buf *out, size_t enough);
    /* Once, when no more is wanted: all is sent, or the client has gone, or it took longer than
     * ADMIN_BODY_MS. Frees it. */
    void (*close)(struct admin_body *b);
};
#define ADMIN_BODY_MS 60000u
/* In place of admin_reply: 200, with a body of any length. */
void admin_reply_body(struct admin_request *request, const char *content_type,
                      struct admin_body *body);
