/* HTTP/1 heads from any pieces of bytes; see h1_parse.h. A head that lies in one piece is parsed
 * where it lies. One that does not is gathered line by line, so that llhttp sees it once more only
 * when it is whole: the work stays linear however it is cut, and the verdict does not depend on
 * the cuts.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_parse.h"

#include "lib/base/mem.h"
#include "lib/codec/http/h1_build.h"

enum { HELD_MIN = 512 };

static void hold(struct h1_parse *p, const uint8_t *data, size_t len)
{
    size_t need = p->held_len + len;
    if (need > p->held_capacity) {
        size_t capacity = p->held_capacity ? p->held_capacity : HELD_MIN;
        while (capacity < need)
            capacity *= 2;
        p->held = mem_realloc(p->held, capacity);
        p->held_capacity = (uint32_t)capacity;
    }
    memcpy(p->held + p->held_len, data, len);
    p->held_len += (uint32_t)len;
}

static enum h1_bad check_held_size(const struct h1_parse *p)
{
    size_t line = h1_cut_start_line_max(&p->rules);
    if (p->line_count)
        return p->held_len > line + p->rules.limits.header_bytes ? H1_BAD_FIELDS_TOO_LARGE
                                                                 : H1_BAD_NOTHING;
    if (p->held_len <= line)
        return H1_BAD_NOTHING;
    return p->rules.role == H1_REQUEST ? H1_BAD_TARGET_TOO_LONG : H1_BAD_START_LINE;
}

/* The byte just held ended a line. DONE: it was the empty one. */
static enum h1_parse_result end_line(struct h1_parse *p, struct h1_head *head)
{
    uint32_t len = p->held_len - p->line_at;
    const uint8_t *line = p->held + p->line_at;
    /* The first CR is the one before this LF, and no other. */
    if (len < 2 || memchr(line, '\r', len) != line + len - 2)
        p->bad = H1_BAD_LINE_END;
    else if (len == 2)
        return H1_PARSE_DONE;
    else if (p->line_count == 0) /* HTTP/0.9 and other versions need not wait for the rest */
        p->bad = h1_cut_start_line(&p->rules, head, slice_of(line, len));
    p->line_at = p->held_len;
    p->line_count++;
    return p->bad ? H1_PARSE_BAD : H1_PARSE_MORE;
}

/* What can be said before a line is whole. */
static enum h1_parse_result check_held(struct h1_parse *p, struct h1_head *head)
{
    if (p->line_count == 0 &&
        h1_cut_begin(&p->rules, head, p->held, p->held_len, &p->bad) == H1_CUT_BAD)
        return H1_PARSE_BAD;
    p->bad = check_held_size(p);
    return p->bad ? H1_PARSE_BAD : H1_PARSE_MORE;
}

/* Takes lines into `held` until one is empty. */
static enum h1_parse_result gather(struct h1_parse *p, struct h1_head *head, const uint8_t *data,
                                   size_t len, size_t *used)
{
    enum h1_parse_result result = H1_PARSE_MORE;
    size_t at = 0;
    while (at < len && result == H1_PARSE_MORE) {
        const uint8_t *newline = memchr(data + at, '\n', len - at);
        size_t n = newline ? (size_t)(newline + 1 - (data + at)) : len - at;
        hold(p, data + at, n);
        at += n;
        result = check_held(p, head);
        if (result == H1_PARSE_MORE && newline)
            result = end_line(p, head);
    }
    *used = at;
    return result;
}

/* RFC 9112 §2.2: one empty line before a request is ignored. False when half of one is not. */
static bool skip_empty_line(struct h1_parse *p, const uint8_t *data, size_t len, size_t *used)
{
    while (*used < len && p->blank != H1_BLANK_SEEN) {
        bool in_line = p->blank == H1_BLANK_CR;
        if (data[*used] != (in_line ? '\n' : '\r')) {
            p->bad = in_line ? H1_BAD_LINE_END : H1_BAD_NOTHING;
            return !in_line;
        }
        p->blank = in_line ? H1_BLANK_SEEN : H1_BLANK_CR;
        (*used)++;
    }
    return true;
}

static enum h1_parse_result parse_held(struct h1_parse *p, struct h1_head *head)
{
    enum h1_cut_result result = h1_cut_head(&p->rules, p->held, p->held_len, head, &p->bad);
    if (result == H1_CUT_DONE && head->len == p->held_len)
        return H1_PARSE_DONE;
    /* Else llhttp and our idea of a line disagree. */
    if (result != H1_CUT_BAD)
        p->bad = H1_BAD_LINE_END;
    return H1_PARSE_BAD;
}

enum h1_parse_result h1_parse_head(struct h1_parse *p, const uint8_t *data, size_t len,
                                   size_t *used, struct h1_head *head)
{
    size_t skipped = 0, taken = 0;
    *used = 0;
    if (p->held_len == 0) {
        if (p->rules.role == H1_REQUEST && !skip_empty_line(p, data, len, &skipped))
            return H1_PARSE_BAD;
        *used = skipped;
        if (skipped == len)
            return H1_PARSE_MORE;
        switch (h1_cut_head(&p->rules, data + skipped, len - skipped, head, &p->bad)) {
        case H1_CUT_DONE:
            *used += head->len;
            return H1_PARSE_DONE;
        case H1_CUT_BAD:
            return H1_PARSE_BAD;
        case H1_CUT_MORE:
            break;
        }
    }
    enum h1_parse_result result = gather(p, head, data + skipped, len - skipped, &taken);
    *used += taken;
    return result == H1_PARSE_DONE ? parse_held(p, head) : result;
}

void h1_parse_init(struct h1_parse *p, enum h1_role role, const struct h1_limits *limits,
                   struct slice scheme)
{
    *p = (struct h1_parse){.rules = {.limits = *limits, .scheme = scheme, .role = role}};
    if (p->rules.limits.header_count > H1_FIELDS_MAX)
        p->rules.limits.header_count = H1_FIELDS_MAX;
}

void h1_parse_dispose(struct h1_parse *p)
{
    mem_free(p->held);
    p->held = NULL;
    p->held_len = p->held_capacity = 0;
}

void h1_parse_next(struct h1_parse *p)
{
    if (p->held)
        h1_parse_dispose(p);
    p->line_at = p->line_count = 0;
    p->blank = H1_BLANK_NONE;
}

bool h1_parse_is_partial(const struct h1_parse *p)
{
    return p->held_len > 0 || p->blank == H1_BLANK_CR;
}

enum h1_bad h1_parse_trailers(const struct h1_rules *rules, struct slice section,
                              struct arena *arena, struct headers **out)
{
    *out = NULL;
    if (slice_eq(section, SLICE("\r\n")))
        return H1_BAD_NOTHING;
    struct h1_head head;
    enum h1_bad bad = h1_cut_trailers(rules, section, &head);
    if (!bad)
        *out = h1_build_trailers(&head, arena);
    return bad;
}
