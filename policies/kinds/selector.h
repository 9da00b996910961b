/* Kubernetes label selectors: which labels an object must have. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/schema/schema.h"

enum selector_operator { SELECTOR_IN, SELECTOR_NOT_IN, SELECTOR_EXISTS, SELECTOR_DOES_NOT_EXIST };

struct selector_expression {
    struct slice key;
    int operator;              /* enum selector_operator */
    struct schema_list values; /* struct slice */
};

struct selector {
    struct schema_list match_labels;      /* struct schema_pair */
    struct schema_list match_expressions; /* struct selector_expression */
};

/* matchLabels and matchExpressions. */
extern const struct schema selector_schema;
/* matchLabels alone, as PeerAuthentication and AuthorizationPolicy have it. */
extern const struct schema selector_labels_schema;
/* A map of labels, for tables. */
extern const struct schema_field selector_label_element;

/* labels: struct schema_pair. An empty selector matches everything. */
bool selector_matches(const struct selector *s, const struct schema_list *labels);
/* The pairs of `wanted` are all among labels. */
bool selector_is_subset(const struct schema_list *wanted, const struct schema_list *labels);
/* The value of that label; ptr is NULL when there is none. */
struct slice selector_label(const struct schema_list *labels, struct slice key);
