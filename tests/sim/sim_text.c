/* A growing text. Owned by one simulated peer. Must not know protocols.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_text.h"

#include <string.h>

#include "lib/base/mem.h"

void sim_text_add(struct sim_text *t, const void *data, size_t len)
{
    if (t->len + len + 1 > t->capacity) {
        t->capacity = (t->len + len + 1) * 2;
        t->ptr = mem_realloc(t->ptr, t->capacity);
    }
    memcpy(t->ptr + t->len, data, len);
    t->len += len;
    t->ptr[t->len] = '\0';
}

const char *sim_text_get(const struct sim_text *t)
{
    return t->ptr ? t->ptr : "";
}

void sim_text_drop(struct sim_text *t, size_t n)
{
    if (n == 0)
        return;
    memmove(t->ptr, t->ptr + n, t->len - n + 1);
    t->len -= n;
}

void sim_text_dispose(struct sim_text *t)
{
    mem_free(t->ptr);
    *t = (struct sim_text){0};
}
