/* Changes to fields of one place: headers, query parameters, a form, JSON. Removed first, then
 * renamed, replaced where they are, added where they are not, and appended, as Kong's
 * request-transformer and response-transformer do. Values are rendered before anything is changed.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/shape/template.h"
#include "filters/shape/transform_spec.h"
#include "lib/codec/doc/json_path.h"

enum edit_place { EDIT_HEADERS, EDIT_QUERY, EDIT_BODY };

struct edit_name {
    struct slice text; /* of a header in lower case */
    uint16_t id;       /* of a header: enum header_id */
    struct json_path path;
};

struct edit_rename {
    struct edit_name from, to;
};

struct edit_value {
    struct edit_name name;
    struct template text;
    int type;         /* enum transform_type */
    struct slice raw; /* of type JSON */
};

/* Immutable. */
struct edits {
    enum edit_place place;
    const struct edit_name *remove;
    const struct edit_rename *rename;
    const struct edit_value *replace, *add, *append;
    uint32_t remove_count, rename_count, replace_count, add_count, append_count;
    const struct json_path *keep;
    uint32_t keep_count;
};

/* from may be NULL: nothing. where: "request.headers", for the reason of a refusal. */
MUST_USE enum err edits_prepare(const struct filter_build *b, const struct transform_edits *from,
                                enum edit_place place, bool is_response, const char *where,
                                struct edits *to);
bool edits_is_empty(const struct edits *e);

/* Of replace, add and append in this order; a NULL ptr: there is no value, so nothing is done. */
const struct slice *edits_render(const struct edits *e, struct filter_exchange *x);

/* x: whose request it is; its odd spellings (lib/codec/http/header_fold.h) go with the names. NULL
 * for a response. */
void edits_headers(const struct edits *e, const struct slice *values, struct headers *h,
                   struct filter_exchange *x);
/* "a=1&b=2": a query or a form. What is not changed keeps its spelling. */
struct slice edits_pairs(const struct edits *e, const struct slice *values, struct arena *a,
                         struct slice text);
void edits_json(const struct edits *e, const struct slice *values, struct arena *a,
                struct json_node *root);
/* One line for `weftctl explain`. */
struct slice edits_describe(struct arena *a, const struct edits *e, const char *what);
