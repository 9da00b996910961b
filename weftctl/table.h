/* A table on stdout whose columns are as wide as what is in them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/arena.h"
#include "weftctl/term.h"

enum { TABLE_COLUMNS_MAX = 8 };

struct table_row;

struct table {
    struct arena *arena;
    struct table_row *first, *last;
    size_t columns, widths[TABLE_COLUMNS_MAX];
    struct slice heads[TABLE_COLUMNS_MAX];
};

/* heads: the names of the columns, each with a NUL behind it, and one more at the end. */
void table_init(struct table *t, struct arena *arena, const char *heads);
/* Begins a row; its third column, which is its state, has that style. */
void table_row(struct table *t, enum term_style style);
/* The next cell of the row. Kept, not copied; "-" stands for the empty one. */
void table_cell(struct table *t, struct slice text);
/* A text instead of all further cells, however long it is. */
void table_rest(struct table *t, struct slice text);
void table_print(const struct table *t);
