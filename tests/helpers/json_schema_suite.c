/* weft-json-schema-suite [--formats] FILE: {"documents": {URI: schema, …}, "groups": [{"schema": …,
 * "tests": [{"data": …}, …]}, …]}. Writes a line for each group: one letter for each test, V
 * (valid), I (invalid) or X (given up), or "refused: " and why the schema is.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "lib/base/mem.h"
#include "lib/jsonschema/json_schema.h"

static struct slice read_file(const char *path, struct arena *a)
{
    static char text[32 << 20];
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(text, 1, sizeof text, f) : 0;
    if (f)
        fclose(f);
    return arena_copy(a, slice_of(text, len));
}

static void run_tests(const struct json_schema *s, const struct json_value *tests, struct arena *a)
{
    for (JSON_VALUE_EACH(tests, test)) {
        struct json_schema_run run = {.arena = a};
        bool good = json_schema_check(&run, s, json_value_member(test, "data"));
        putchar(run.is_exhausted ? 'X' : good ? 'V' : 'I');
    }
    putchar('\n');
}

static void run_group(const struct json_value *documents, const struct json_value *group,
                      bool formats, struct arena *a)
{
    struct json_schema_set *set = json_schema_set_create(a, JSON_SCHEMA_2020_12, formats);
    const struct json_value *at = json_value_member(group, "schema");
    const struct json_schema *s = NULL;
    struct doc_error error = {0};
    enum err err = ERR_OK;
    for (const struct json_value *d = documents->first; d && !err; d = d->next)
        err = json_schema_set_add(set, d->key, d, true, &error);
    err = err ? err : json_schema_set_add(set, SLICE(""), at, true, &error);
    err = err ? err : json_schema_compile(set, at, &s, &error);
    err = err ? err : json_schema_link(set, &error);
    if (err)
        printf("refused: %s\n", error.text);
    else
        run_tests(s, json_value_member(group, "tests"), a);
    json_schema_set_destroy(set);
}

int main(int argc, char **argv)
{
    struct arena a;
    struct doc_error error;
    const struct json_value *all;
    bool formats = argc > 2;
    arena_init(&a, 65536);
    if (argc < 2 || json_value_parse(read_file(argv[argc - 1], &a), &a, &all, &error)) {
        fprintf(stderr, "%s\n", argc < 2 ? "which file?" : error.text);
        return 1;
    }
    for (JSON_VALUE_EACH(json_value_member(all, "groups"), group))
        run_group(json_value_member(all, "documents"), group, formats, &a);
    arena_dispose(&a);
    return 0;
}
