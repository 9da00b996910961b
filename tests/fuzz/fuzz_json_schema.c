/* Fuzz target: a schema, a NUL, and a value. Whatever the schema is, it is refused with a sentence
 * or checks every value within its bounds; what does not conform has a reason; and a value always
 * equals itself. SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/jsonschema/json_schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct json_schema *s, const struct json_value *v, struct arena *a)
{
    struct json_schema_run first = {.arena = a, .side = JSON_SCHEMA_REQUEST};
    struct json_schema_run all = {.arena = a, .side = JSON_SCHEMA_REQUEST, .all = true};
    bool good = json_schema_check(&first, s, v);
    demand(good == (first.error_count == 0));
    demand(!good || !first.is_exhausted);
    if (!first.is_exhausted && json_schema_check(&all, s, v) != good)
        demand(all.is_exhausted);
    demand(json_value_equal(v, v));
}

static void try_dialect(enum json_schema_dialect dialect, const struct json_value *root,
                        const struct json_value *v, struct arena *a)
{
    struct json_schema_set *set = json_schema_set_create(a, dialect, true);
    const struct json_schema *s = NULL;
    struct doc_error error;
    if (json_schema_set_add(set, SLICE(""), root, true, &error) ||
        json_schema_compile(set, root, &s, &error) || json_schema_link(set, &error))
        demand(error.text[0] != '\0');
    else
        check(s, v, a);
    json_schema_set_destroy(set);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct slice all = slice_of(data, size);
    size_t mark = slice_find_byte(all, '\0');
    const struct json_value *root, *v;
    struct doc_error error;
    arena_init(&arena, 4096);
    if (json_value_parse(slice_sub(all, 0, mark), &arena, &root, &error))
        demand(error.text[0] != '\0' && !root);
    else if (!json_value_parse(slice_sub(all, mark + 1, all.len), &arena, &v, &error)) {
        try_dialect(JSON_SCHEMA_2020_12, root, v, &arena);
        try_dialect(JSON_SCHEMA_OPENAPI_3_0, root, v, &arena);
    }
    arena_dispose(&arena);
    return 0;
}
