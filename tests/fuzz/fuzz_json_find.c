/* Fuzz target: a path in the first line, and any bytes as JSON behind it. However it is cut, what
 * is found is the same, and the same as in the tree of the text (json_tree.h).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdint.h>
#include <stdlib.h>

#include "lib/codec/doc/json_find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static enum json_find_state run(const struct json_path *path, struct slice text, size_t step,
                                struct slice *found)
{
    struct json_find f;
    enum json_find_state state;
    json_find_init(&f, text, path);
    do
        state = json_find_run(&f, step, found);
    while (state == JSON_FIND_MORE);
    return state;
}

static void compare(struct arena *a, const struct json_path *path, struct slice text,
                    enum json_find_state state, struct slice found)
{
    struct json_node *root = json_tree_parse(a, text);
    if (!root) /* it may have more values than a tree has room for */
        return;
    demand(state != JSON_FIND_INVALID);
    struct json_node *node = json_path_find(root, path);
    demand((node != NULL) == (state == JSON_FIND_FOUND));
    if (!node)
        return;
    struct json_node *again = json_tree_parse(a, found);
    demand(again != NULL);
    demand(slice_eq(json_tree_write(a, again), json_tree_write(a, node)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice all = slice_of(data, size), text = all, line, found = SLICE(""), other;
    struct json_path path = {.count = 0};
    struct arena a;
    arena_init(&a, 4096);
    slice_split(&text, '\n', &line);
    if (text.ptr && (!line.len || (json_path_make(&a, line, &path) && !path.has_each))) {
        enum json_find_state state = run(&path, text, text.len, &found);
        for (size_t step = 1; step < 8; step++) {
            other = SLICE("");
            demand(run(&path, text, step, &other) == state);
            demand(state != JSON_FIND_FOUND || (other.ptr == found.ptr && other.len == found.len));
        }
        compare(&a, &path, text, state, found);
    }
    arena_dispose(&a);
    return 0;
}
