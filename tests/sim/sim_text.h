/* Bytes that a simulated peer received, always NUL-terminated so that a test can compare and search
 * them as text. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct sim_text {
    char *ptr; /* NULL while empty */
    size_t len, capacity;
};

void sim_text_add(struct sim_text *t, const void *data, size_t len);
/* "" when empty. */
const char *sim_text_get(const struct sim_text *t);
/* Drops the first n bytes. */
void sim_text_drop(struct sim_text *t, size_t n);
void sim_text_dispose(struct sim_text *t);
