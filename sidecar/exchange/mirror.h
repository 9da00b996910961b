/* A copy of a request on its way to somebody whose answer nobody waits for. It takes what the
 * original hands it and never holds the original up: what cannot keep pace, or takes too long, is
 * cut off. Lives on one worker, beyond the original's end if need be.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "lib/base/list.h"
#include "lib/codec/http/message.h"

struct addr;
struct cluster;
struct mirror;
struct worker;

/* head: copied. version: as which HTTP it is sent (see upstream_request_send). client: whom it is
 * from (see balancer_pick), and what sidecars are told of that, copied; may be empty. Linked to
 * `copies` (of the original, which hands it the body) until the original has ended or the copy has.
 * NULL: there are too many already, or nobody could take it. */
struct mirror *mirror_open(struct cluster *cluster, const struct message *head,
                           enum http_version version, const struct addr *client,
                           struct slice client_said, struct list *copies);
/* For all copies in a list. */
void mirror_give(struct list *copies, struct chunk *owner, const uint8_t *data, size_t len);
/* The same of what had come before they were opened, or of what filters have made of it. */
void mirror_give_buf(struct list *copies, const struct buf *body);
/* trailers: copied; may be NULL. */
void mirror_give_end(struct list *copies, const struct headers *trailers);
/* The original ended: copies that have all of it go on by themselves. */
void mirror_let_go(struct list *copies);
/* Cuts off all that a worker has. */
void mirror_close_all(struct worker *w);
