/* policyd without its sockets: everything from the watches to what is written, on an API server in
 * memory. Objects lie at the paths of fake_kube.h. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/policyd/compile_cache.h"
#include "policies/policyd/kube_source.h"
#include "policies/policyd/gateway_controller.h"
#include "policies/policyd/subscriber_list.h"
#include "policies/policyd/status_writer.h"
#include "tests/sim/fake_kube.h"

#define POLICYD_GATEWAY_API "/apis/gateway.networking.k8s.io/v1/"
#define POLICYD_GATEWAYS POLICYD_GATEWAY_API "namespaces/shop/gateways/"
#define POLICYD_ROUTES POLICYD_GATEWAY_API "namespaces/shop/httproutes/"

struct policyd_bed {
    struct loop *loop;
    struct fake_kube *kube;
    struct object_store *world;
    struct compile_cache *cache;
    struct subscriber_list *subscribers;
    struct kube_source *feed;
    struct gateway_controller *controller;
    struct status_writer *writer;
    struct policyd_options options;
    bool is_leader, is_busy;
};

/* With our GatewayClass, and the leader of all replicas. */
void policyd_bed_open(struct policyd_bed *b);
void policyd_bed_close(struct policyd_bed *b);
void policyd_bed_lead(struct policyd_bed *b, bool is_leader);
void policyd_bed_advance(struct policyd_bed *b, uint64_t ms);
/* A Gateway of namespace shop with one HTTP listener; metadata: more of it, ", x: y" or "". */
void policyd_bed_gateway(struct policyd_bed *b, const char *name, const char *metadata);
/* An HTTPRoute of namespace shop for that Gateway. */
void policyd_bed_route(struct policyd_bed *b, const char *name, const char *gateway);
/* The status of a condition of what lies there, of its first parent if it is a route; "": none. */
const char *policyd_bed_condition(struct policyd_bed *b, const char *path, const char *type,
                                  const char *field);
