/* Keeps a data plane for every Gateway of our class, while active: a ServiceAccount, a Deployment
 * and a Service that belong to the Gateway and go with it; unless it names a Deployment that is
 * there already. Knows how each of them is. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/policyd_options.h"
#include "policies/status/status.h"

struct gateway_keeper;
struct kube_client;
struct loop;
struct roster;
struct world;

/* All must outlive it. */
struct gateway_keeper_config {
    struct loop *loop;
    struct kube_client *client;
    const struct policyd_options *options;
    struct world *world;
    struct roster *roster;
    /* What gateway_keeper_describe says of some Gateway may be another now. */
    void (*moved)(void *owner);
    void *owner;
};

struct gateway_keeper *gateway_keeper_open(const struct gateway_keeper_config *config);
void gateway_keeper_close(struct gateway_keeper *k);
/* Look at all Gateways, soon; or keep nothing. */
void gateway_keeper_set_active(struct gateway_keeper *k, bool is_active);
/* For status.h. The texts live until the next call. */
void gateway_keeper_describe(struct gateway_keeper *k, const struct object *gateway,
                             struct status_gateway *out);
