/* Lengths before bytes, so that nothing has to be quoted. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/resp/resp_write.h"

#include <stdio.h>

enum { NUMBER_MAX = 24 };

static void write_number(struct buf *out, char kind, size_t n)
{
    char text[NUMBER_MAX];
    int len = snprintf(text, sizeof(text), "%c%zu\r\n", kind, n);
    buf_append(out, text, (size_t)len);
}

void resp_write_head(struct buf *out, size_t count)
{
    write_number(out, '*', count);
}

void resp_write_word(struct buf *out, struct slice word)
{
    write_number(out, '$', word.len);
    buf_append_slice(out, word);
    buf_append(out, "\r\n", 2);
}

void resp_write_words(struct buf *out, const struct slice *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        resp_write_word(out, words[i]);
}
