/* One entry of one ConfigMap, as it is and as it changes. On the client's loop; closed before the
 * client is destroyed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/kube/kube_client.h"

struct kube_entry;

/* Its text, which may be empty; not called while there is no such ConfigMap or entry. */
typedef void (*kube_entry_fn)(void *owner, struct slice text);

/* Names are copied. */
struct kube_entry *kube_entry_open(struct kube_client *c, struct slice namespace_name,
                                   const char *config_map, const char *entry, kube_entry_fn changed,
                                   void *owner);
/* NULL is allowed. */
void kube_entry_close(struct kube_entry *e);
