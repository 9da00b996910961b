/* CustomResourceDefinitions of our kinds, made from their schema tables. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/buf.h"
#include "policies/kinds/kind.h"

/* "policy.weft.dev_trafficpolicies.yaml": the file it is kept in. One of our own kinds. */
struct slice crd_file_name(const struct kind *kind, struct arena *arena);
/* The whole definition in YAML, with a comment that says where it comes from. */
void crd_write(const struct kind *kind, struct buf *to);
