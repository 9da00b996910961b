/* What makes up Weft in a cluster: the manifests under k8s/, built in.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/buf.h"
#include "lib/codec/doc/doc.h"

struct manifests_config {
    bool with_ingress; /* the front listener too */
    const char *image; /* NULL: as they say */
    unsigned replicas; /* of each of our programs; 0: as they say */
    const char *cluster_domain; /* NULL: as they say */
};

/* In the order in which they are applied; in the arena. False (and a message): what was built in
 * cannot be read. */
bool manifests_load(struct arena *arena, const struct manifests_config *config,
                    struct doc_list *out);

/* "Deployment", "weft-system" (empty: cluster-scoped), "weft-certd". */
struct slice manifests_kind(const struct doc *o);
struct slice manifests_namespace(const struct doc *o);
struct slice manifests_name(const struct doc *o);
/* Its path in the API: mem_free it. */
char *manifests_path(const struct doc *o);
/* As JSON, with what the configuration changes. */
void manifests_write(const struct manifests_config *config, const struct doc *o, struct buf *json);
