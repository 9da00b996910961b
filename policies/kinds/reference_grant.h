/* ReferenceGrant (Gateway API): who in another namespace may refer to objects here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/kind.h"

struct reference_grant_from {
    struct slice group, kind, namespace_name;
};

struct reference_grant_to {
    struct slice group, kind, name; /* no name: all of the kind */
};

struct reference_grant_spec {
    struct schema_list from; /* struct reference_grant_from */
    struct schema_list to;   /* struct reference_grant_to */
};

struct reference_grant {
    struct object object;
    struct reference_grant_spec spec;
};
