/* The resources that a data plane has, by name, as they came; and what they would be after an
 * update. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/map.h"
#include "policies/proto/discovery.pb-c.h"

struct resource_set {
    struct map by_name; /* struct held */
    uint64_t digest;    /* policies/compile/discovery.h */
};

void resource_set_init(struct resource_set *s);
void resource_set_dispose(struct resource_set *s);
size_t resource_set_count(const struct resource_set *s);

/* A change of the set. The messages are the caller's. */
struct resource_change {
    Weft__Config__V1__Resource **resources; /* new, or with another version */
    size_t resource_count;
    char **removed;
    size_t removed_count;
    bool from_nothing; /* the resources are all there is */
};

/* All resources after the change, in the order of their names. One that the set has and keeps
 * comes without its body where nobody will look into it: it was built before. Refers to the change;
 * free it before. */
struct resource_preview {
    Weft__Config__V1__Configuration configuration;
    Weft__Config__V1__Resource *heads; /* name, version and kind only */
    Weft__Config__V1__Resource **unpacked;
    size_t head_count, unpacked_count;
};
void resource_set_preview(const struct resource_set *s, const struct resource_change *change,
                          struct resource_preview *out);
void resource_set_preview_dispose(struct resource_preview *p);
void resource_set_commit(struct resource_set *s, const struct resource_change *change);
/* Names and versions, for a Hello; free the array and what it points at with one mem_free each. The
 * names are the set's. */
Weft__Discovery__V1__Known **resource_set_known(const struct resource_set *s);
/* Everything, as a packed Configuration. */
void resource_set_pack(const struct resource_set *s, struct buf *out);
