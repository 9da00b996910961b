/* Fuzz target: any bytes as YAML, and as JSON. Both answer with documents or with an error that has
 * a text; documents keep their promises (no key twice, no NUL, bounded depth, lines that go
 * forward). SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct doc *d, unsigned depth)
{
    demand(depth <= DOC_DEPTH_MAX);
    if (d->type == DOC_STRING)
        demand(slice_find_byte(d->string, '\0') == d->string.len);
    for (size_t i = 0; d->type == DOC_ARRAY && i < d->count; i++) {
        demand(d->items[i]->line >= d->line);
        check(d->items[i], depth + 1);
    }
    for (size_t i = 0; d->type == DOC_OBJECT && i < d->count; i++) {
        const struct doc_member *m = &d->members[i];
        demand(m->line >= d->line && doc_get(d, m->key) == m->value);
        check(m->value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct doc_list list;
    struct doc_error error;
    const struct doc *d;
    arena_init(&arena, 4096);
    if (doc_yaml_parse(slice_of(data, size), &arena, &list, &error))
        demand(error.text[0] != '\0' && list.count == 0);
    for (size_t i = 0; i < list.count; i++)
        check(list.items[i], 1);
    arena_reset(&arena);
    if (doc_json_parse(slice_of(data, size), &arena, &d, &error))
        demand(error.text[0] != '\0');
    else if (d->type != DOC_OBJECT)
        check(d, 1);
    arena_dispose(&arena);
    return 0;
}
