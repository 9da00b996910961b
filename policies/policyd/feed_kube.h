/* The API server as the world: a list and a watch for every kind. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/world.h"

struct feed_kube;
struct kube_client;
struct loop;

struct feed_kube *feed_kube_open(struct loop *l, struct kube_client *client, struct world *world);
void feed_kube_close(struct feed_kube *f);
/* How many kinds are out of contact. */
unsigned feed_kube_troubles(const struct feed_kube *f);
