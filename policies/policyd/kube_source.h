/* The API server as the world: a list and a watch for every kind. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/object_store.h"

struct kube_source;
struct kube_client;
struct loop;

struct kube_source *kube_source_open(struct loop *l, struct kube_client *client,
                                     struct object_store *world);
void kube_source_close(struct kube_source *f);
/* How many kinds are out of contact. */
unsigned kube_source_troubles(const struct kube_source *f);
