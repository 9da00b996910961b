/* A JSON text as a tree that is changed and written again. Scalars are views of the text: numbers
 * keep their digits, strings their escapes, members their order, and a key that is given twice is
 * there twice, so that removing it removes both. Everything lies in an arena. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/arena.h"
#include "lib/base/slice.h"

#define JSON_TREE_NODES_MAX 131072u /* values of one text */

enum json_tree_kind { JSON_TREE_OBJECT, JSON_TREE_ARRAY, JSON_TREE_SCALAR };

struct json_node {
    enum json_tree_kind kind;
    struct slice key;  /* of a member: decoded */
    struct slice name; /* of a member: as it is written, with quotes */
    struct slice raw;  /* of a scalar: as it is written */
    struct json_node *next, *first, *last;
};

/* NULL: it is not JSON (RFC 8259), not UTF-8, nested deeper than JSON_SCAN_DEPTH_MAX, or has too
 * many values. The text must live as long as the tree. */
struct json_node *json_tree_parse(struct arena *a, struct slice text);
/* Compact. */
struct slice json_tree_write(struct arena *a, const struct json_node *n);

/* raw: JSON, kept. */
struct json_node *json_tree_scalar(struct arena *a, struct slice raw);
struct json_node *json_tree_container(struct arena *a, enum json_tree_kind kind);
/* Its last child from then on. key: of a member of an object; copied in its written form. */
void json_tree_push(struct arena *a, struct json_node *parent, struct slice key,
                    struct json_node *child);
/* The first member of that name; NULL: none, or no object. */
struct json_node *json_tree_get(const struct json_node *object, struct slice key);
/* Takes the children out that `is` names. */
void json_tree_remove_if(struct json_node *parent,
                         bool (*is)(const struct json_node *child, size_t at, const void *with),
                         const void *with);
/* With quotes and escapes; what is not UTF-8 becomes U+FFFD. */
struct slice json_tree_quote(struct arena *a, struct slice text);
/* What a written string stands for; false: raw is no string. */
bool json_tree_unquote(struct arena *a, struct slice raw, struct slice *out);
