/* Waiting until objects of a cluster are as they should be, by watching them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc.h"
#include "weftctl/api.h"

/* Is asked for every object there is and that changes. True: that was all that was wanted. */
typedef bool (*await_fn)(void *owner, const struct doc *object);

/* path: of the list; selectors as in kube_watch_config. False: not within the time, or the list
 * cannot be read (with a message on stderr). */
bool await_objects(struct api *a, const char *path, struct slice selectors, uint32_t timeout_ms,
                   await_fn is_done, void *owner);
/* Until the one object that the selectors name is gone. */
bool await_gone(struct api *a, const char *path, struct slice selectors, uint32_t timeout_ms);
