/* JSON and YAML on stdout. Main thread.
 * Must not know what is in it.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/output.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/codec/doc/doc_json.h"
#include "lib/codec/doc/doc_write.h"
#include "weftctl/say.h"

enum { ARENA_BLOCK = 65536 };

bool output_form_parse(const char *text, enum output_form *out)
{
    static const char *const names[] = {
        [OUTPUT_TEXT] = "text", [OUTPUT_JSON] = "json", [OUTPUT_YAML] = "yaml"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            *out = (enum output_form)i;
            return true;
        }
    }
    say_error("-o %s: it is text, json or yaml", text);
    return false;
}

void output_flush(struct buf *text)
{
    while (!buf_is_empty(text)) {
        struct slice piece = buf_front(text);
        fwrite(piece.ptr, 1, piece.len, stdout);
        buf_drain(text, piece.len);
    }
}

void output_print_doc(const struct doc *d, enum output_form form)
{
    struct buf text;
    buf_init(&text);
    if (form == OUTPUT_YAML)
        doc_write_yaml(&text, d);
    else
        doc_write_pretty(&text, d);
    output_flush(&text);
    buf_dispose(&text);
}

void output_print(struct buf *json, enum output_form form)
{
    struct arena arena;
    struct doc_error error;
    const struct doc *d;
    size_t len;
    char *text = buf_take_text(json, &len);
    arena_init(&arena, ARENA_BLOCK);
    if (doc_json_parse(slice_of(text, len), &arena, &d, &error) == ERR_OK)
        output_print_doc(d, form);
    else /* larger or deeper than documents may be */
        fwrite(text, 1, len, stdout);
    arena_dispose(&arena);
    mem_free(text);
}
