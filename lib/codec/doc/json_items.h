/* A JSON text that arrives in pieces, cut into the objects that somebody wants one at a time: the
 * members of one array ("items" of a list), or one value after the other (events of a watch).
 * Memory is that of the largest single object, not of the text. No I/O.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct json_items;

struct json_items_config {
    /* Name of the array in the outermost object; NULL: a sequence of values, each on its own. */
    const char *array;
    size_t max_item; /* bytes of one; 0: 4 MiB. ERR_LIMIT above */
};

/* Each object's text, whole; lives until the function returns. */
typedef void (*json_items_fn)(void *owner, struct slice item);

struct json_items *json_items_create(const struct json_items_config *config, json_items_fn on_item,
                                     void *owner);
void json_items_destroy(struct json_items *j);
/* ERR_OK, ERR_SYNTAX or ERR_LIMIT (for good). The functions may not call back into j. */
MUST_USE enum err json_items_feed(struct json_items *j, struct slice bytes);
/* The text is over: ERR_SYNTAX when it is not complete. */
MUST_USE enum err json_items_finish(struct json_items *j);
/* With `array`: everything of the outermost object but that array, as JSON text, once finished
 * (kind, apiVersion, metadata.resourceVersion, metadata.continue, status of an error …). */
struct slice json_items_rest(const struct json_items *j);
