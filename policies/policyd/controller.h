/* policyd's part in Kubernetes: reads everything, and, as the one replica that holds the lease,
 * writes statuses and Events and keeps the data planes of Gateways. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "policies/policyd/policyd_options.h"

struct controller;
struct discovery_listener;
struct loop;
struct subscriber_list;
struct object_store;

/* Options, world, list of subscribers and listener must outlive it; the listener hears which roots
 * are in force. An error (logged) when there is no way to the API server. */
MUST_USE enum err controller_open(struct loop *l, const struct policyd_options *options,
                                  struct object_store *world, struct subscriber_list *subscribers,
                                  struct discovery_listener *listener, struct controller **out);
/* Gives the lease back; done (may be NULL) when that is over. */
void controller_close(struct controller *c, void (*done)(void *owner), void *owner);
/* Objects or data planes are others now. */
void controller_touched(struct controller *c);
bool controller_is_leader(const struct controller *c);
/* Kinds of objects that are out of contact. */
unsigned controller_troubles(const struct controller *c);
/* Statuses that were written. */
uint64_t controller_writes(const struct controller *c);
