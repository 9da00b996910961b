/* The events of json_scan, put together. Depth is bounded by the scanner, so that writing may
 * recurse. SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_tree.h"

#include "lib/base/json_write.h"
#include "lib/base/percent.h"
#include "lib/base/utf8.h"
#include "lib/codec/doc/json_scan.h"

/* ---- strings ---- */

static unsigned read_hex(const char *at)
{
    unsigned value = 0;
    for (int i = 0; i < 4; i++)
        value = value << 4 | (unsigned)percent_digit(at[i]);
    return value;
}

static size_t put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* "\uXXXX" at `at`, with its other half where it is the first of a pair; half a pair alone is
 * U+FFFD. Returns how many bytes of the text that was. */
static size_t take_escape_u(const char *at, const char *end, uint32_t *out)
{
    uint32_t high = read_hex(at + 2), low;
    *out = high;
    if (high < 0xd800 || high > 0xdfff)
        return 6;
    *out = 0xfffd;
    if (high > 0xdbff || end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return 6;
    low = read_hex(at + 8);
    if (low < 0xdc00 || low > 0xdfff)
        return 6;
    *out = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 12;
}

static char plain_escape(char c)
{
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return c;
    }
}

/* The scanner has seen the string: its escapes are whole. */
bool json_tree_unquote(struct arena *a, struct slice raw, struct slice *out)
{
    if (raw.len < 2 || raw.ptr[0] != '"')
        return false;
    *out = slice_sub(raw, 1, raw.len - 2);
    if (slice_find_byte(*out, '\\') == out->len)
        return true;
    char *to = arena_alloc(a, out->len);
    size_t len = 0;
    for (const char *at = out->ptr, *end = at + out->len; at < end;) {
        uint32_t c;
        if (*at != '\\') {
            to[len++] = *at++;
        } else if (at[1] == 'u') {
            at += take_escape_u(at, end, &c);
            len += put_utf8(to + len, c);
        } else {
            to[len++] = plain_escape(at[1]);
            at += 2;
        }
    }
    *out = slice_of(to, len);
    return true;
}

struct slice json_tree_quote(struct arena *a, struct slice text)
{
    struct json_write w;
    struct buf out;
    buf_init(&out);
    json_write_init(&w, &out);
    json_write_string(&w, text);
    return buf_take_into(&out, a);
}

/* ---- nodes ---- */

struct json_node *json_tree_container(struct arena *a, enum json_tree_kind kind)
{
    struct json_node *n = arena_zalloc(a, sizeof(*n));
    n->kind = kind;
    return n;
}

struct json_node *json_tree_scalar(struct arena *a, struct slice raw)
{
    struct json_node *n = json_tree_container(a, JSON_TREE_SCALAR);
    n->raw = raw;
    return n;
}

static void link_last(struct json_node *parent, struct json_node *child)
{
    child->next = NULL;
    if (parent->last)
        parent->last->next = child;
    else
        parent->first = child;
    parent->last = child;
}

void json_tree_push(struct arena *a, struct json_node *parent, struct slice key,
                    struct json_node *child)
{
    child->key = key;
    child->name = parent->kind == JSON_TREE_OBJECT ? json_tree_quote(a, key) : SLICE("");
    link_last(parent, child);
}

struct json_node *json_tree_get(const struct json_node *object, struct slice key)
{
    if (object->kind != JSON_TREE_OBJECT)
        return NULL;
    for (struct json_node *n = object->first; n; n = n->next)
        if (slice_eq(n->key, key))
            return n;
    return NULL;
}

void json_tree_remove_if(struct json_node *parent,
                         bool (*is)(const struct json_node *child, size_t at, const void *with),
                         const void *with)
{
    struct json_node *n = parent->first, *next;
    parent->first = parent->last = NULL;
    for (size_t at = 0; n; n = next, at++) {
        next = n->next;
        if (!is(n, at, with))
            link_last(parent, n);
    }
}

/* ---- from text ---- */

struct reading {
    struct arena *arena;
    struct json_node *stack[JSON_SCAN_DEPTH_MAX]; /* what is open, outermost first */
    unsigned depth;
    struct json_node *root, *scalar; /* scalar: one that is not over */
    const char *from;                /* where the key or the scalar began */
    struct slice name;               /* of the member whose value comes next */
    unsigned count;
};

/* False: there is one value already, or there are too many. */
static bool place(struct reading *r, struct json_node *n)
{
    if (r->count++ >= JSON_TREE_NODES_MAX)
        return false;
    if (!r->depth) {
        bool is_first = !r->root;
        r->root = n;
        return is_first;
    }
    n->name = r->name;
    if (r->name.len)
        json_tree_unquote(r->arena, r->name, &n->key);
    r->name = SLICE("");
    link_last(r->stack[r->depth - 1], n);
    return true;
}

static struct slice trim(const char *from, const char *to)
{
    while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\n' || to[-1] == '\r'))
        to--;
    return slice_of(from, (size_t)(to - from));
}

static void end_scalar(struct reading *r, const char *end)
{
    if (r->scalar)
        r->scalar->raw = trim(r->from, end);
    r->scalar = NULL;
}

static bool take(struct reading *r, enum json_scan_event event, const struct json_scan *scan,
                 const char *at)
{
    if (event != JSON_SCAN_MORE)
        end_scalar(r, at - 1);
    switch (event) {
    case JSON_SCAN_OPEN: {
        bool is_object = json_scan_in_object(scan);
        struct json_node *n =
            json_tree_container(r->arena, is_object ? JSON_TREE_OBJECT : JSON_TREE_ARRAY);
        if (!place(r, n))
            return false;
        r->stack[r->depth++] = n;
        return true;
    }
    case JSON_SCAN_CLOSE:
        r->depth--;
        return true;
    case JSON_SCAN_KEY:
        r->from = at - 1;
        return true;
    case JSON_SCAN_COLON:
        r->name = trim(r->from, at - 1);
        return true;
    case JSON_SCAN_SCALAR:
        r->from = at - 1;
        r->scalar = json_tree_scalar(r->arena, SLICE(""));
        return place(r, r->scalar);
    case JSON_SCAN_BAD:
        return false;
    default:
        return true;
    }
}

struct json_node *json_tree_parse(struct arena *a, struct slice text)
{
    struct json_scan scan;
    struct reading r = {.arena = a};
    const char *at = text.ptr, *end = text.ptr + text.len;
    const char *space = " "; /* ends a number */
    if (!text.len || !utf8_is_valid(text))
        return NULL;
    json_scan_init(&scan);
    while (at < end) {
        enum json_scan_event event = json_scan_next(&scan, JSON_SCAN_DEPTH_MAX, &at, end);
        if (!take(&r, event, &scan, at))
            return NULL;
    }
    end_scalar(&r, end);
    if (json_scan_next(&scan, 0, &space, space + 1) != JSON_SCAN_MORE || !json_scan_is_idle(&scan))
        return NULL;
    return r.root;
}

/* ---- to text ---- */

static size_t size_of(const struct json_node *n)
{
    size_t size = n->name.len + n->raw.len + 4; /* brackets, colon and comma */
    for (const struct json_node *child = n->first; child; child = child->next)
        size += size_of(child);
    return size;
}

static char *put(char *to, struct slice s)
{
    memcpy(to, s.ptr, s.len);
    return to + s.len;
}

static char *write_node(const struct json_node *n, char *to)
{
    if (n->kind == JSON_TREE_SCALAR)
        return put(to, n->raw);
    *to++ = n->kind == JSON_TREE_OBJECT ? '{' : '[';
    for (const struct json_node *child = n->first; child; child = child->next) {
        if (n->kind == JSON_TREE_OBJECT) {
            to = put(to, child->name);
            *to++ = ':';
        }
        to = write_node(child, to);
        if (child->next)
            *to++ = ',';
    }
    *to++ = n->kind == JSON_TREE_OBJECT ? '}' : ']';
    return to;
}

struct slice json_tree_write(struct arena *a, const struct json_node *n)
{
    char *text = arena_alloc(a, size_of(n));
    return slice_of(text, (size_t)(write_node(n, text) - text));
}
