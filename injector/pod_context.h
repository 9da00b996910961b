/* What the API server says of the place where a pod will run: the annotations and labels of its
 * namespace, its LimitRanges, and the defaults of the mesh. On the injector's only thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/inject/inject.h"
#include "lib/kube/kube_client.h"

struct pod_context;

/* mesh_namespace: where the MeshConfig is. */
struct pod_context *pod_context_open(struct kube_client *client, struct slice mesh_namespace);
/* Before the client is destroyed. NULL is allowed. */
void pod_context_close(struct pod_context *c);
/* Everything was listed once, or cannot be had. */
bool pod_context_is_known(const struct pod_context *c);
/* Sets space and defaults of a copy of the configuration. What they point to lives until the loop
 * turns. */
void pod_context_fill(const struct pod_context *c, struct slice namespace_name, struct arena *arena,
                      struct inject_config *config);
