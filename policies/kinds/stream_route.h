/* What TLSRoute, TCPRoute and UDPRoute have in common: rules that are backends and nothing else.
 * All are struct route, with struct stream_route_rule as their rules.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/route.h"

struct stream_route_rule {
    struct slice name;
    struct schema_list backends; /* struct route_backend */
    unsigned line;
};

extern const struct schema stream_route_rule_schema;
extern const struct schema_field stream_route_rule_element, stream_route_parent_element;
