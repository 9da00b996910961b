/* Fuzz target: any bytes as a list and as a sequence, whole and in pieces. However it is cut, the
 * objects and the verdict are the same (an object that is too large may be found out sooner or
 * later than an error behind it), and each object begins and ends as one.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/codec/doc/json_items.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ITEM = 512 };

struct got {
    struct buf text;
    enum err e;
};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void on_item(void *owner, struct slice item)
{
    struct got *g = owner;
    demand(item.len >= 2 && item.len <= MAX_ITEM);
    demand(item.ptr[0] == '{' && item.ptr[item.len - 1] == '}');
    buf_append_slice(&g->text, item);
    buf_append(&g->text, "\n", 1);
}

static struct got run(const char *array, struct slice text, size_t step)
{
    struct got g = {.e = ERR_OK};
    struct json_items_config config = {.array = array, .max_item = MAX_ITEM};
    struct json_items *j = json_items_create(&config, on_item, &g);
    buf_init(&g.text);
    for (size_t at = 0; at < text.len && !g.e; at += step)
        g.e = json_items_feed(j, slice_sub(text, at, step));
    if (!g.e)
        g.e = json_items_finish(j);
    json_items_destroy(j);
    return g;
}

static bool equal(const struct buf *a, const struct buf *b)
{
    if (a->len != b->len)
        return false;
    char *x = mem_alloc(a->len + 1), *y = mem_alloc(a->len + 1);
    buf_copy_out(a, x, a->len);
    buf_copy_out(b, y, a->len);
    bool same = memcmp(x, y, a->len) == 0;
    mem_free(x);
    mem_free(y);
    return same;
}

static void check(const char *array, struct slice text, size_t step)
{
    struct got whole = run(array, text, text.len + 1), pieces = run(array, text, step);
    demand(whole.e == ERR_OK || whole.e == ERR_SYNTAX || whole.e == ERR_LIMIT);
    demand(whole.e == pieces.e || whole.e == ERR_LIMIT || pieces.e == ERR_LIMIT);
    if (whole.e == pieces.e)
        demand(equal(&whole.text, &pieces.text));
    buf_dispose(&whole.text);
    buf_dispose(&pieces.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct slice text = slice_of(data + 1, size - 1);
    check("items", text, data[0] % 16 + 1u);
    check(NULL, text, data[0] % 16 + 1u);
    return 0;
}
