/* What a data plane gets, as tables for people. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "policies/proto/config.pb-c.h"

enum config_table {
    CONFIG_TABLE_NONE,
    CONFIG_TABLE_LISTENERS,
    CONFIG_TABLE_ROUTES,
    CONFIG_TABLE_CLUSTERS,
    CONFIG_TABLE_ENDPOINTS,
    CONFIG_TABLE_POLICIES,
    CONFIG_TABLE_CERTIFICATES,
};

/* "listeners", "routes", "clusters", "endpoints", "policies", "certificates"; NONE: anything
 * else. */
enum config_table config_tables_parse(const char *word);
void config_tables_print(const Weft__Config__V1__Configuration *c, enum config_table which);
