/* Keeps a data plane for every Gateway of our class, while active: a ServiceAccount, a Deployment
 * and a Service that belong to the Gateway and go with it; unless it names a Deployment that is
 * there already. Knows how each of them is. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/policyd_options.h"
#include "policies/status/status.h"

struct gateway_controller;
struct kube_client;
struct loop;
struct subscriber_list;
struct object_store;

/* All must outlive it. */
struct gateway_controller_config {
    struct loop *loop;
    struct kube_client *client;
    const struct policyd_options *options;
    struct object_store *world;
    struct subscriber_list *subscribers;
    /* What gateway_controller_describe says of some Gateway may be another now. */
    void (*moved)(void *owner);
    void *owner;
};

struct gateway_controller *gateway_controller_open(const struct gateway_controller_config *config);
void gateway_controller_close(struct gateway_controller *k);
/* Look at all Gateways, soon; or keep nothing. */
void gateway_controller_set_active(struct gateway_controller *k, bool is_active);
/* For status.h. The texts live until the next call. */
void gateway_controller_describe(struct gateway_controller *k, const struct object *gateway,
                                 struct status_gateway *out);
