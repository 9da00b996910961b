/* A byte stream to a port inside a pod, through the API server: what `kubectl port-forward` does.
 * It reaches loopback addresses of the pod, and passes by network policies. On the client's loop.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/io/stream.h"
#include "lib/kube/kube_client.h"

struct kube_tunnel;

/* Why there is no way, before the stream fails; status 0: the API server said nothing. */
typedef void (*kube_tunnel_trouble_fn)(void *owner, unsigned status, struct slice detail);

/* The client must have been made with kube_config.http1. *out can be written to at once; it is the
 * caller's to close, before or after the tunnel. */
struct kube_tunnel *kube_tunnel_open(struct kube_client *c, struct slice namespace_name,
                                     struct slice pod, uint16_t port, struct stream **out,
                                     kube_tunnel_trouble_fn on_trouble, void *owner);
/* Before the client is destroyed. */
void kube_tunnel_close(struct kube_tunnel *t);
