/* Path templates as a tree of segments, in which what is concrete is tried first (OpenAPI, "Path
 * Templating Matching"). What a lookup costs depends on the path, not on how many there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/openapi/openapi_document.h"
#include "lib/base/percent.h"

struct openapi_node {
    struct slice segment; /* decoded, or the shape of one with parameters: "{}", "{}.json" */
    struct openapi_node **literals; /* sorted by segment */
    size_t literal_count, literal_capacity;
    struct openapi_node *variable, *next; /* those with parameters; the most concrete one first */
    const struct openapi_path *path;
};

/* "a{id}b" without the name: "a{}b". */
static struct slice shape_of(struct arena *a, struct slice segment)
{
    char *to = arena_alloc(a, segment.len);
    size_t len = 0;
    bool inside = false;
    for (size_t i = 0; i < segment.len; i++) {
        char c = segment.ptr[i];
        inside = inside && c != '}';
        if (!inside)
            to[len++] = c;
        inside = inside || c == '{';
    }
    return slice_of(to, len);
}

static struct openapi_node *node_make(struct arena *a, struct slice segment)
{
    struct openapi_node *n = arena_zalloc(a, sizeof(*n));
    n->segment = segment;
    return n;
}

/* Where it is, or would be. */
static size_t literal_at(const struct openapi_node *parent, struct slice segment)
{
    size_t low = 0, high = parent->literal_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (slice_compare(parent->literals[middle]->segment, segment) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct openapi_node *literal_find(const struct openapi_node *parent, struct slice segment)
{
    size_t at = literal_at(parent, segment);
    bool is_there = at < parent->literal_count && slice_eq(parent->literals[at]->segment, segment);
    return is_there ? parent->literals[at] : NULL;
}

static struct openapi_node *literal_add(struct arena *a, struct openapi_node *parent,
                                        struct slice segment)
{
    size_t at = literal_at(parent, segment);
    if (parent->literal_count == parent->literal_capacity) {
        parent->literal_capacity = parent->literal_capacity ? 2 * parent->literal_capacity : 4;
        struct openapi_node **more =
            arena_alloc(a, parent->literal_capacity * sizeof(struct openapi_node *));
        if (parent->literal_count)
            memcpy(more, parent->literals, parent->literal_count * sizeof(struct openapi_node *));
        parent->literals = more;
    }
    memmove(&parent->literals[at + 1], &parent->literals[at],
            (parent->literal_count - at) * sizeof(struct openapi_node *));
    parent->literal_count++;
    return parent->literals[at] = node_make(a, segment);
}

/* Longer shapes have more that is concrete. */
static struct openapi_node *variable_of(struct arena *a, struct openapi_node *parent,
                                        struct slice shape)
{
    struct openapi_node **at = &parent->variable;
    while (*at && (*at)->segment.len >= shape.len) {
        if (slice_eq((*at)->segment, shape))
            return *at;
        at = &(*at)->next;
    }
    struct openapi_node *n = node_make(a, shape);
    n->next = *at;
    return *at = n;
}

static struct openapi_node *child_of(struct arena *a, struct openapi_node *parent,
                                     struct slice segment)
{
    if (slice_find_byte(segment, '{') < segment.len)
        return variable_of(a, parent, shape_of(a, segment));
    struct slice text = percent_decode(segment, arena_alloc(a, segment.len + 1));
    struct openapi_node *n = literal_find(parent, text);
    return n ? n : literal_add(a, parent, text);
}

bool openapi_tree_add(struct arena *a, struct openapi_node **tree, struct slice base,
                      const struct openapi_path *path)
{
    struct slice whole = arena_printf(a, "%.*s%.*s", SLICE_ARG(base), SLICE_ARG(path->template));
    struct slice rest = slice_sub(whole, 1, whole.len), segment;
    if (!*tree)
        *tree = node_make(a, SLICE(""));
    struct openapi_node *n = *tree;
    while (slice_split(&rest, '/', &segment))
        n = child_of(a, n, segment);
    if (n->path)
        return false;
    n->path = path;
    return true;
}

/* ---- finding ---- */

struct search {
    struct arena *arena;
    struct openapi_match *match;
    size_t count; /* of values */
};

/* "{}.json" against "7.json": what the parameters stand for. */
static bool match_shape(struct search *s, struct slice shape, struct slice segment)
{
    while (shape.len) {
        size_t mark = slice_find_byte(shape, '{');
        struct slice before = slice_sub(shape, 0, mark);
        if (!slice_starts_with(segment, before))
            return false;
        segment = slice_sub(segment, before.len, segment.len);
        shape = slice_sub(shape, mark, shape.len);
        if (!shape.len)
            break;
        shape = slice_sub(shape, 2, shape.len);
        struct slice behind = slice_sub(shape, 0, slice_find_byte(shape, '{'));
        bool is_last = behind.len == shape.len;
        size_t len = is_last ? segment.len - behind.len : slice_find(segment, behind);
        if (segment.len < behind.len || !len || len > segment.len ||
            s->count == OPENAPI_SEGMENTS_MAX)
            return false;
        s->match->values[s->count++] = slice_sub(segment, 0, len);
        segment = slice_sub(segment, len, segment.len);
    }
    return !segment.len;
}

static bool find(struct search *s, const struct openapi_node *n, struct slice rest, unsigned depth)
{
    struct slice segment;
    if (!slice_split(&rest, '/', &segment)) {
        s->match->path = n->path;
        return n->path != NULL;
    }
    if (depth == OPENAPI_SEGMENTS_MAX)
        return false;
    struct slice text = segment;
    if (slice_find_byte(segment, '%') < segment.len)
        text = percent_decode(segment, arena_alloc(s->arena, segment.len));
    const struct openapi_node *child = literal_find(n, text);
    if (child && find(s, child, rest, depth + 1))
        return true;
    size_t count = s->count;
    for (child = n->variable; child; child = child->next) {
        s->count = count;
        if (match_shape(s, child->segment, segment) && find(s, child, rest, depth + 1))
            return true;
    }
    s->count = count;
    return false;
}

bool openapi_tree_find(const struct openapi_node *tree, struct arena *arena, struct slice path,
                       struct openapi_match *out)
{
    struct search s = {.arena = arena, .match = out};
    if (!tree || !path.len || path.ptr[0] != '/')
        return false;
    return find(&s, tree, slice_sub(path, 1, path.len), 0);
}
