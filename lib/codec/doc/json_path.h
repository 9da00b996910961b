/* Places in a JSON text, and what is done there: user.name, items[0].price, items[*].price,
 * ["a.b"].c. Paths are made once and are immutable. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/doc/json_tree.h"

#define JSON_PATH_STEPS_MAX 32u

enum json_step_kind { JSON_STEP_KEY, JSON_STEP_INDEX, JSON_STEP_EACH };

struct json_step {
    enum json_step_kind kind;
    struct slice key;
    size_t index;
};

struct json_path {
    const struct json_step *steps;
    uint32_t count;
    bool has_each; /* may name several places */
};

/* The text is kept. False: it is no path. */
MUST_USE bool json_path_make(struct arena *a, struct slice text, struct json_path *out);
/* Do they differ in the last step alone, which is a key in both? */
bool json_path_is_sibling(const struct json_path *a, const struct json_path *b);

/* The first place; NULL: there is none. */
struct json_node *json_path_find(struct json_node *root, const struct json_path *p);
void json_path_remove(struct json_node *root, const struct json_path *p);
/* Where there is something already. value is copied to each place. */
void json_path_replace(struct arena *a, struct json_node *root, const struct json_path *p,
                       const struct json_node *value);
/* Where there is nothing: objects on the way there are made. */
void json_path_add(struct arena *a, struct json_node *root, const struct json_path *p,
                   const struct json_node *value);
/* At the end of the array there; what is no array becomes the first item of one. */
void json_path_append(struct arena *a, struct json_node *root, const struct json_path *p,
                      const struct json_node *value);
/* Removes the members of objects that no path leads to or through. Lists are passed through: a key
 * is looked for in each of their items. */
void json_path_keep(struct arena *a, struct json_node *root, const struct json_path *paths,
                    uint32_t count);
/* What is at `from` is at `to` then, instead of what was there. Of siblings each keeps its place
 * among the members; others are moved, which paths with [*] cannot be. */
void json_path_rename(struct arena *a, struct json_node *root, const struct json_path *from,
                      const struct json_path *to);
