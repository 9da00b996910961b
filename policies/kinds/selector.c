/* Label selectors: their tables, and whether labels match. Pure; any thread. Must not know what
 * the labels belong to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/kinds/selector.h"

#include "lib/schema/schema_format.h"

static const char *const operators[] = {
    [SELECTOR_IN] = "In",
    [SELECTOR_NOT_IN] = "NotIn",
    [SELECTOR_EXISTS] = "Exists",
    [SELECTOR_DOES_NOT_EXIST] = "DoesNotExist",
    NULL,
};

const struct schema_field selector_label_element = {.type = SCHEMA_STRING,
                                                    .format = &schema_format_label_value};

static void check_expression(struct schema_run *run, const struct doc *node, void *value)
{
    const struct selector_expression *e = value;
    bool wants = e->operator== SELECTOR_IN || e->operator== SELECTOR_NOT_IN;
    if (wants && e->values.count == 0)
        schema_error(run, node, "values", "must not be empty for In and NotIn");
    if (!wants && e->values.count > 0)
        schema_error(run, node, "values", "must be left out for Exists and DoesNotExist");
}

static const struct schema_field expression_fields[] = {
    SCHEMA_FIELD(struct selector_expression, key, "key", STRING, "The label.",
                 .flags = SCHEMA_REQUIRED, .format = &schema_format_label_key),
    SCHEMA_FIELD(struct selector_expression, operator, "operator", ENUM, "How its value compares.",
                 .flags = SCHEMA_REQUIRED, .choices = operators),
    SCHEMA_FIELD(struct selector_expression, values, "values", LIST, "The values for In and NotIn.",
                 .element = &selector_label_element),
    {0},
};

static const struct schema expression_schema = {
    .name = "LabelSelectorRequirement",
    .doc = "One condition on a label.",
    .size = sizeof(struct selector_expression),
    .fields = expression_fields,
    .check = check_expression,
};

#define MATCH_LABELS                                                \
    SCHEMA_FIELD(struct selector, match_labels, "matchLabels", MAP, \
                 "Labels that must be there with these values.",    \
                 .format = &schema_format_label_key, .element = &selector_label_element)

static const struct schema_field expression_element = {.type = SCHEMA_INLINE,
                                                       .object = &expression_schema};

static const struct schema_field selector_fields[] = {
    MATCH_LABELS,
    SCHEMA_FIELD(struct selector, match_expressions, "matchExpressions", LIST,
                 "Further conditions; all must hold.", .element = &expression_element),
    {0},
};

static const struct schema_field labels_fields[] = {MATCH_LABELS, {0}};

const struct schema selector_schema = {
    .name = "LabelSelector",
    .doc = "Chooses objects by their labels; an empty one chooses all.",
    .size = sizeof(struct selector),
    .fields = selector_fields,
};

const struct schema selector_labels_schema = {
    .name = "WorkloadSelector",
    .doc = "Chooses workloads by the labels of their pods; an empty one chooses all.",
    .size = sizeof(struct selector),
    .fields = labels_fields,
};

struct slice selector_label(const struct schema_list *labels, struct slice key)
{
    for (SCHEMA_EACH(*labels, struct schema_pair, pair))
        if (slice_eq(pair->key, key))
            return pair->value;
    return (struct slice){NULL, 0};
}

bool selector_is_subset(const struct schema_list *wanted, const struct schema_list *labels)
{
    for (SCHEMA_EACH(*wanted, struct schema_pair, pair)) {
        struct slice value = selector_label(labels, pair->key);
        if (!value.ptr || !slice_eq(value, pair->value))
            return false;
    }
    return true;
}

static bool expression_holds(const struct selector_expression *e, const struct schema_list *labels)
{
    struct slice value = selector_label(labels, e->key);
    bool among = false;
    for (SCHEMA_EACH(e->values, struct slice, wanted))
        among |= value.ptr && slice_eq(value, *wanted);
    switch ((enum selector_operator)e->operator) {
    case SELECTOR_IN:
        return among;
    case SELECTOR_NOT_IN:
        return !among;
    case SELECTOR_EXISTS:
        return value.ptr != NULL;
    case SELECTOR_DOES_NOT_EXIST:
        return value.ptr == NULL;
    }
    return false;
}

bool selector_matches(const struct selector *s, const struct schema_list *labels)
{
    if (!selector_is_subset(&s->match_labels, labels))
        return false;
    for (SCHEMA_EACH(s->match_expressions, struct selector_expression, e))
        if (!expression_holds(e, labels))
            return false;
    return true;
}
