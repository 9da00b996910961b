/* A schema table as the OpenAPI v3 schema that Kubernetes wants of a kind: bounds, defaults, enums,
 * patterns, and the rules that span fields. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/doc_make.h"
#include "policies/kinds/kind.h"

/* Of a whole kind, with apiVersion, kind, metadata and status. In the arena. */
const struct doc *openapi_make_kind(struct arena *arena, const struct kind *kind);
