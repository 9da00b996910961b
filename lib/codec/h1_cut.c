/* Cutting a head up with llhttp, in its strict mode, and checking again what it is too kind about:
 * every byte of the start line and of the line structure. Pure; any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h1_cut.h"

#include <llhttp.h>

#include "lib/codec/chars.h"
#include "lib/codec/h1_method.h"

/* What llhttp's callbacks fill. */
struct cut {
    struct h1_head *head;
    uint32_t max_fields;
    enum h1_bad bad;
};

static uint32_t offset_in(const struct cut *c, const char *at)
{
    return (uint32_t)(at - c->head->base);
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct cut *c = parser->data;
    c->head->target = slice_of(at, len);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len)
{
    struct cut *c = parser->data;
    struct h1_head *h = c->head;
    if (h->count == c->max_fields) {
        c->bad = H1_BAD_FIELDS_TOO_MANY;
        return HPE_USER;
    }
    struct h1_field *f = &h->fields[h->count++];
    *f = (struct h1_field){.name = offset_in(c, at), .name_len = (uint32_t)len};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t len)
{
    struct cut *c = parser->data;
    struct h1_field *f = &c->head->fields[c->head->count - 1];
    f->value = offset_in(c, at);
    f->value_len = (uint32_t)len;
    return 0;
}

static int on_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_complete,
};

/* llhttp stopped in the field lines: was it in a name or in a value? */
static enum h1_bad blame_field(const struct h1_head *h, size_t at, size_t len)
{
    char culprit = at < len ? h->base[at] : '\0';
    if (culprit == '\r' || culprit == '\n' || culprit == '\0')
        return H1_BAD_LINE_END;
    size_t begin = at;
    while (begin > 0 && h->base[begin - 1] != '\n')
        begin--;
    struct slice line = slice_of(h->base + begin, at - begin);
    if (line.len == 0 && culprit != ' ' && culprit != '\t')
        return H1_BAD_FIELD_NAME;
    return slice_find_byte(line, ':') == line.len && line.len ? H1_BAD_FIELD_NAME
                                                              : H1_BAD_FIELD_VALUE;
}

/* llhttp did not like the version; all it has seen of it counts. */
static enum h1_bad blame_version(const struct h1_head *h, enum h1_role role, size_t at)
{
    const char *text = role == H1_REQUEST ? h->target.ptr + h->target.len : h->base;
    size_t len = (size_t)(h->base + at - text);
    static const char form[] = "HTTP/#.#";
    size_t skip = role == H1_REQUEST ? 1 : 0;
    if (len < skip + sizeof(form) - 1)
        return H1_BAD_START_LINE;
    for (size_t i = 0; form[i]; i++) {
        char c = text[skip + i];
        if (form[i] == '#' ? !chars_is(c, CHARS_DIGIT) : c != form[i])
            return H1_BAD_START_LINE;
    }
    bool ours = text[skip + 5] == '1' && (text[skip + 7] == '0' || text[skip + 7] == '1');
    return ours ? H1_BAD_LINE_END : H1_BAD_VERSION;
}

static enum h1_bad blame(const llhttp_t *parser, const struct cut *c, enum h1_role role, size_t len)
{
    size_t at = (size_t)(parser->error_pos - c->head->base);
    if (c->bad)
        return c->bad;
    switch (parser->error) {
    case HPE_INVALID_URL:
        return H1_BAD_TARGET;
    case HPE_INVALID_VERSION:
        return blame_version(c->head, role, at);
    case HPE_STRICT:
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
        return H1_BAD_LINE_END;
    case HPE_INVALID_HEADER_TOKEN:
        return blame_field(c->head, at, len);
    case HPE_UNEXPECTED_CONTENT_LENGTH:
        return H1_BAD_LENGTH_REPEATED;
    case HPE_INVALID_CONTENT_LENGTH:
        return parser->flags & F_TRANSFER_ENCODING ? H1_BAD_LENGTH_AND_CODING
                                                   : H1_BAD_LENGTH_INVALID;
    case HPE_INVALID_TRANSFER_ENCODING:
        return parser->flags & F_CONTENT_LENGTH ? H1_BAD_LENGTH_AND_CODING : H1_BAD_CODING_INVALID;
    default:
        return H1_BAD_START_LINE;
    }
}

static uint32_t skip_blanks(const struct h1_head *h, uint32_t at)
{
    while (h->base[at] == ' ' || h->base[at] == '\t')
        at++;
    return at;
}

/* The line that begins at *at is exactly name ":" OWS value OWS CR LF: whatever llhttp skipped
 * between its callbacks would show here. The CR LF at the head's end stops every loop. */
static enum h1_bad check_line(const struct h1_head *h, struct h1_field *f, uint32_t *at)
{
    if (f->name != *at || f->name_len == 0)
        return H1_BAD_FIELD_NAME;
    uint32_t next = f->name + f->name_len;
    if (h->base[next] != ':')
        return H1_BAD_FIELD_NAME;
    next = skip_blanks(h, next + 1);
    if (f->value_len == 0)
        f->value = next;
    if (f->value != next)
        return H1_BAD_FIELD_VALUE;
    f->value_len = (uint32_t)slice_trim(h1_head_value(h, f)).len;
    next = skip_blanks(h, f->value + f->value_len);
    if (h->base[next] != '\r' || h->base[next + 1] != '\n')
        return H1_BAD_LINE_END;
    *at = next + 2;
    return H1_BAD_NOTHING;
}

static enum h1_bad check_lines(struct h1_head *h)
{
    uint32_t at = h->fields_at;
    for (uint32_t i = 0; i < h->count; i++) {
        enum h1_bad bad = check_line(h, &h->fields[i], &at);
        if (bad)
            return bad;
    }
    bool ends = at + 2 == h->len && h->base[at] == '\r' && h->base[at + 1] == '\n';
    return ends ? H1_BAD_NOTHING : H1_BAD_LINE_END;
}

/* "HTTP/1.0" or "HTTP/1.1". */
static enum h1_bad check_version(struct h1_head *h, const char *text)
{
    if (memcmp(text, "HTTP/", 5) != 0)
        return H1_BAD_START_LINE;
    if (memcmp(text + 5, "1.", 2) != 0 || (text[7] != '0' && text[7] != '1'))
        return H1_BAD_VERSION;
    h->minor = (uint8_t)(text[7] - '0');
    return H1_BAD_NOTHING;
}

/* method SP target SP version CR LF, with single spaces. */
static enum h1_bad check_request_line(struct h1_head *h, const struct h1_limits *limits)
{
    const char *end = h->target.ptr + h->target.len;
    if (h->target.ptr != h->base + h->method.len + 1)
        return H1_BAD_TARGET;
    if (h->target.len > limits->target_bytes)
        return H1_BAD_TARGET_TOO_LONG;
    if (h->len - (size_t)(end - h->base) < sizeof(" HTTP/1.1\r\n\r\n") - 1)
        return H1_BAD_START_LINE;
    if (end[0] != ' ')
        return H1_BAD_START_LINE;
    enum h1_bad bad = check_version(h, end + 1);
    if (bad)
        return bad;
    if (end[9] != '\r' || end[10] != '\n')
        return H1_BAD_LINE_END;
    h->fields_at = (uint32_t)(end + 11 - h->base);
    return H1_BAD_NOTHING;
}

/* version SP 3DIGIT [SP reason] CR LF. Servers exist that leave the last space out. */
static enum h1_bad check_status_line(struct h1_head *h)
{
    const char *newline = memchr(h->base, '\n', h->len);
    h->fields_at = (uint32_t)(newline + 1 - h->base);
    if (h->fields_at < sizeof("HTTP/1.1 200\r\n") - 1 || h->fields_at > H1_STATUS_LINE_MAX)
        return H1_BAD_START_LINE;
    enum h1_bad bad = check_version(h, h->base);
    if (bad)
        return bad;
    if (newline[-1] != '\r' || h->base[8] != ' ' || !chars_all(h->base + 9, 3, CHARS_DIGIT))
        return H1_BAD_START_LINE;
    h->status = (uint16_t)((h->base[9] - '0') * 100 + (h->base[10] - '0') * 10 + h->base[11] - '0');
    if (h->status < 100)
        return H1_BAD_START_LINE;
    struct slice rest = slice_of(h->base + 12, h->fields_at - 14);
    bool fine = rest.len == 0 || (rest.ptr[0] == ' ' && chars_all(rest.ptr, rest.len, CHARS_VALUE));
    return fine ? H1_BAD_NOTHING : H1_BAD_START_LINE;
}

/* Everything that can be said of a head that llhttp found complete. */
static enum h1_bad check_head(const struct h1_rules *rules, struct h1_head *h)
{
    enum h1_bad bad =
        rules->role == H1_REQUEST ? check_request_line(h, &rules->limits) : check_status_line(h);
    if (!bad && h->len - h->fields_at > rules->limits.header_bytes)
        bad = H1_BAD_FIELDS_TOO_LARGE;
    if (!bad)
        bad = check_lines(h);
    if (bad)
        return bad;
    return rules->role == H1_REQUEST ? h1_head_check_request(h, rules->scheme)
                                     : h1_head_check_response(h);
}

enum h1_bad h1_cut_version(struct slice line)
{
    static const char form[] = " HTTP/#.#\r\n";
    const size_t len = sizeof(form) - 1;
    if (line.len < len)
        return H1_BAD_START_LINE;
    const char *tail = line.ptr + line.len - len;
    for (size_t i = 0; i < len; i++) {
        if (form[i] == '#' ? !chars_is(tail[i], CHARS_DIGIT) : tail[i] != form[i])
            return H1_BAD_START_LINE;
    }
    bool ours = tail[6] == '1' && (tail[8] == '0' || tail[8] == '1');
    return ours ? H1_BAD_NOTHING : H1_BAD_VERSION;
}

/* Not one of ours, but is it HTTP? The rest of the line tells. */
static enum h1_cut_result judge_unknown(const char *data, size_t len, enum h1_bad *bad)
{
    const char *newline = memchr(data, '\n', len);
    if (!newline)
        return H1_CUT_MORE;
    enum h1_bad version = h1_cut_version(slice_of(data, (size_t)(newline + 1 - data)));
    *bad = version == H1_BAD_START_LINE ? version : H1_BAD_METHOD_UNKNOWN;
    return H1_CUT_BAD;
}

/* The method is looked at first and by ourselves, because llhttp gives up at the first byte that no
 * method has there, and 501 needs the whole token. */
enum h1_cut_result h1_cut_method(struct h1_head *head, const char *data, size_t len,
                                 enum h1_bad *bad)
{
    size_t n = 0;
    while (n < len && n <= H1_METHOD_MAX && chars_is(data[n], CHARS_TOKEN))
        n++;
    if (n == len && n <= H1_METHOD_MAX)
        return H1_CUT_MORE;
    if (n == 0 || n > H1_METHOD_MAX || data[n] != ' ') {
        *bad = H1_BAD_METHOD;
        return H1_CUT_BAD;
    }
    head->method = h1_method_find(slice_of(data, n));
    return head->method.len ? H1_CUT_DONE : judge_unknown(data, len, bad);
}

enum h1_cut_result h1_cut_head(const struct h1_rules *rules, const uint8_t *data, size_t len,
                               struct h1_head *head, enum h1_bad *bad)
{
    head->base = (const char *)data;
    head->count = 0;
    head->target = slice_of(data, 0);
    if (rules->role == H1_REQUEST) {
        enum h1_cut_result result = h1_cut_method(head, head->base, len, bad);
        if (result != H1_CUT_DONE)
            return result;
    }
    struct cut cut = {.head = head, .max_fields = rules->limits.header_count};
    llhttp_t parser;
    llhttp_init(&parser, rules->role == H1_REQUEST ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    parser.data = &cut;
    enum llhttp_errno code = llhttp_execute(&parser, head->base, len);
    if (code == HPE_OK)
        return H1_CUT_MORE;
    if (code == HPE_PAUSED) {
        head->len = (uint32_t)(parser.error_pos - head->base);
        *bad = check_head(rules, head);
    } else {
        *bad = blame(&parser, &cut, rules->role, len);
    }
    return *bad ? H1_CUT_BAD : H1_CUT_DONE;
}

/* A request line in front makes field lines a head that llhttp can read. */
enum h1_bad h1_cut_trailers(const struct h1_limits *limits, struct slice section,
                            struct h1_head *head)
{
    head->base = section.ptr;
    head->len = (uint32_t)section.len;
    head->fields_at = head->count = 0;
    static const char line[] = "GET / HTTP/1.1\r\n";
    struct cut cut = {.head = head, .max_fields = limits->header_count};
    llhttp_t parser;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &cut;
    enum llhttp_errno code = llhttp_execute(&parser, line, sizeof(line) - 1);
    if (code == HPE_OK)
        code = llhttp_execute(&parser, section.ptr, section.len);
    if (cut.bad == H1_BAD_FIELDS_TOO_MANY)
        return H1_BAD_TRAILERS_TOO_LARGE;
    bool whole = code == HPE_PAUSED && parser.error_pos == section.ptr + section.len;
    return whole && !check_lines(head) ? h1_head_check_trailers(head) : H1_BAD_TRAILER;
}
