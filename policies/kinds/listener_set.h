/* ListenerSet (Gateway API): further listeners of a Gateway, kept by somebody else.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway_listener.h"

struct listener_set_parent {
    struct slice group, kind, name;
    struct slice namespace_name; /* NULL ptr: the ListenerSet's */
    unsigned line;
};

struct listener_set_spec {
    struct listener_set_parent parent;
    struct schema_list listeners; /* struct gateway_listener */
};

struct listener_set {
    struct object object;
    struct listener_set_spec spec;
};

bool listener_set_parent_is_gateway(const struct listener_set_parent *p);
/* The Gateway's namespace. */
struct slice listener_set_parent_namespace(const struct listener_set *s);
