/* Tables as kubectl has them: two blanks between columns, none behind the last.
 * Main thread. Must not know what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/table.h"

#include <stdio.h>
#include <string.h>

enum { STATE_COLUMN = 2 };

struct table_row {
    struct table_row *next;
    enum term_style style;
    struct slice cells[TABLE_COLUMNS_MAX];
    size_t count;
    struct slice rest;
};

void table_init(struct table *t, struct arena *arena, const char *heads)
{
    *t = (struct table){.arena = arena};
    for (const char *at = heads; *at && t->columns < TABLE_COLUMNS_MAX; at += strlen(at) + 1) {
        t->heads[t->columns] = slice_from_cstr(at);
        t->widths[t->columns++] = strlen(at);
    }
}

void table_row(struct table *t, enum term_style style)
{
    struct table_row *row = arena_zalloc(t->arena, sizeof(*row));
    row->style = style;
    *(t->last ? &t->last->next : &t->first) = row;
    t->last = row;
}

void table_cell(struct table *t, struct slice text)
{
    struct table_row *row = t->last;
    if (!text.len)
        text = SLICE("-");
    if (text.len > t->widths[row->count])
        t->widths[row->count] = text.len;
    row->cells[row->count++] = text;
}

void table_rest(struct table *t, struct slice text)
{
    t->last->rest = text;
}

static void print_cell(const struct table *t, size_t column, struct slice text, bool is_last,
                       enum term_style style)
{
    int width = is_last ? 0 : (int)t->widths[column] + 2;
    int blanks = width > (int)text.len ? width - (int)text.len : 0;
    printf("%s%.*s%s%*s", term_begin(stdout, style), SLICE_ARG(text), term_end(stdout), blanks, "");
}

static void print_row(const struct table *t, const struct table_row *row)
{
    for (size_t i = 0; i < row->count; i++)
        print_cell(t, i, row->cells[i], i + 1 == row->count && !row->rest.len,
                   i == STATE_COLUMN ? row->style : TERM_PLAIN);
    printf("%.*s\n", SLICE_ARG(row->rest));
}

void table_print(const struct table *t)
{
    for (size_t i = 0; i < t->columns; i++)
        print_cell(t, i, t->heads[i], i + 1 == t->columns, TERM_DIM);
    putchar('\n');
    for (const struct table_row *row = t->first; row; row = row->next)
        print_row(t, row);
}
