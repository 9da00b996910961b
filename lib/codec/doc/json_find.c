/* The scanner tells of values, keys and commas down to the level of the path's next step, and of
 * nothing below: most of a text goes by in the scanner's own loops. One state for each level is
 * not needed, since the path has at most one place on each.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/doc/json_find.h"

#include "lib/base/utf8.h"

void json_find_init(struct json_find *f, struct slice text, const struct json_path *path)
{
    *f = (struct json_find){.text = text, .path = path, .at = text.ptr};
    json_scan_init(&f->scan);
    f->is_wanted = true;
}

/* ---- UTF-8 ---- */

static bool check_utf8(struct json_find *f, size_t until)
{
    while (f->checked < until) {
        if ((unsigned char)f->text.ptr[f->checked] < 0x80) {
            f->checked++;
            continue;
        }
        size_t len = utf8_front(slice_sub(f->text, f->checked, f->text.len));
        if (!len)
            return false;
        f->checked += len;
    }
    return true;
}

/* ---- the way down the path ---- */

static uint32_t steps_of(const struct json_find *f)
{
    return f->path ? f->path->count : 0;
}

/* Levels above the container whose members the next step names. */
static bool is_here(const struct json_find *f, unsigned depth)
{
    return depth == f->matched;
}

static unsigned hex_value(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

static uint32_t hex_quad(const char *at)
{
    return hex_value(at[0]) << 12 | hex_value(at[1]) << 8 | hex_value(at[2]) << 4 |
           hex_value(at[3]);
}

static size_t put_utf8(uint32_t code, char *to)
{
    if (code < 0x80) {
        to[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        to[i] = (char)(0x80 | (code & 0x3f));
    to[0] = (char)(lead[len] | code);
    return len;
}

/* One escape behind its backslash, which the scanner has found good; moves *at behind it. */
static size_t put_escape(const char **at, const char *end, char *to)
{
    static const char from[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = *(*at)++;
    if (c != 'u') {
        *to = meant[strchr(from, c) - from];
        return 1;
    }
    uint32_t code = hex_quad(*at);
    *at += 4;
    bool is_pair = code >= 0xd800 && code < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' &&
                   (*at)[1] == 'u';
    uint32_t low = is_pair ? hex_quad(*at + 2) : 0;
    if (low >= 0xdc00 && low < 0xe000) {
        *at += 6;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return put_utf8(code, to);
}

/* raw: between its quotes. */
static bool is_key(struct slice raw, struct slice key)
{
    char decoded[4];
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    size_t matched = 0;
    if (slice_find_byte(raw, '\\') == raw.len)
        return slice_eq(raw, key);
    while (at < end) {
        size_t len = 1;
        if (*at != '\\') {
            decoded[0] = *at++;
        } else {
            at++;
            len = put_escape(&at, end, decoded);
        }
        if (key.len - matched < len || memcmp(key.ptr + matched, decoded, len) != 0)
            return false;
        matched += len;
    }
    return matched == key.len;
}

static bool is_index(const struct json_find *f)
{
    const struct json_step *step = &f->path->steps[f->matched - 1];
    return step->kind == JSON_STEP_INDEX && step->index == f->index;
}

/* `"key"  :` is over; at is behind the colon. */
static void end_key(struct json_find *f, const char *at)
{
    const struct json_step *step = &f->path->steps[f->matched - 1];
    const char *close = at - 1;
    while (*close != '"')
        close--;
    f->is_wanted = step->kind == JSON_STEP_KEY &&
                   is_key(slice_of(f->key + 1, (size_t)(close - f->key - 1)), step->key);
}

/* A path has one place on each level: what was found, or led nowhere, is not looked for again. */
static void stop_looking(struct json_find *f)
{
    f->is_inside = f->is_wanted = false;
    f->matched = 0;
    f->is_settled = true;
}

static void end_found(struct json_find *f, const char *end)
{
    while (end > f->begin && strchr(" \t\r\n", end[-1]))
        end--;
    f->end = end;
    stop_looking(f);
}

/* A value begins at `at`, inside `depth` levels; false: it is the second of the text. */
static bool begin_value(struct json_find *f, unsigned depth, const char *at, bool is_container)
{
    if (depth == 0 && f->is_begun)
        return false;
    f->is_begun = true;
    if (f->is_settled || !is_here(f, depth) || !f->is_wanted)
        return true;
    f->is_wanted = false;
    if (f->matched == steps_of(f)) {
        f->begin = at;
        f->is_inside = true;
    } else if (is_container) {
        f->matched++;
        f->index = 0;
        f->is_wanted = !json_scan_in_object(&f->scan) && is_index(f);
    } else {
        stop_looking(f);
    }
    return true;
}

static void on_close(struct json_find *f, const char *at)
{
    if (f->scan.depth >= f->matched)
        return;
    if (f->is_inside)
        end_found(f, at - 1);
    else
        stop_looking(f);
}

static void between_values(struct json_find *f, enum json_scan_event event, const char *at)
{
    if (event == JSON_SCAN_KEY) {
        f->key = at - 1;
    } else if (event == JSON_SCAN_COLON) {
        end_key(f, at);
    } else if (f->is_inside) {
        end_found(f, at - 1);
    } else {
        f->index++;
        f->is_wanted = !json_scan_in_object(&f->scan) && is_index(f);
    }
}

static bool on_event(struct json_find *f, enum json_scan_event event, const char *at)
{
    unsigned depth = f->scan.depth;
    switch (event) {
    case JSON_SCAN_OPEN:
        return begin_value(f, depth - 1, at - 1, true);
    case JSON_SCAN_SCALAR:
        return begin_value(f, depth, at - 1, false);
    case JSON_SCAN_CLOSE:
        on_close(f, at);
        return true;
    default:
        if (f->matched && is_here(f, depth))
            between_values(f, event, at);
        return true;
    }
}

/* ---- pieces ---- */

static enum json_find_state finish(struct json_find *f, struct slice *found)
{
    const char *end = f->text.ptr + f->text.len, *space = " ";
    json_scan_next(&f->scan, 0, &space, space + 1); /* a number ends with what follows it */
    if (!f->is_begun || !json_scan_is_idle(&f->scan))
        return JSON_FIND_INVALID;
    if (f->is_inside)
        end_found(f, end);
    if (!f->begin)
        return JSON_FIND_NOTHING;
    *found = slice_of(f->begin, (size_t)(f->end - f->begin));
    return JSON_FIND_FOUND;
}

enum json_find_state json_find_run(struct json_find *f, size_t budget, struct slice *found)
{
    const char *end = f->text.ptr + f->text.len;
    size_t left = (size_t)(end - f->at);
    const char *until = f->at + (budget < left ? budget : left);
    if (!check_utf8(f, (size_t)(until - f->text.ptr)))
        return JSON_FIND_INVALID;
    for (;;) {
        enum json_scan_event event = json_scan_next(&f->scan, f->matched, &f->at, until);
        if (event == JSON_SCAN_MORE)
            break;
        if (event == JSON_SCAN_BAD || !on_event(f, event, f->at))
            return JSON_FIND_INVALID;
    }
    return f->at == end ? finish(f, found) : JSON_FIND_MORE;
}
