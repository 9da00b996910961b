/* Cutting a head up: the start line by ourselves, because llhttp knows a list of methods and any
 * token is one; field lines that are not plain (h1_plain), or that something is wrong with, with
 * llhttp in its strict mode, which are then checked again for what it is too kind about. Pure; any
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_cut.h"

#include <llhttp.h>
#include <string.h>

#include "lib/codec/text/chars.h"
#include "lib/codec/http/h1_plain.h"
#include "lib/codec/http/method.h"

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

static enum h1_bad blame(const llhttp_t *parser, const struct cut *c, size_t len)
{
    size_t at = (size_t)(parser->error_pos - c->head->base);
    if (c->bad)
        return c->bad;
    switch (parser->error) {
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
        return H1_BAD_LINE_END;
    }
}

/* llhttp as it is behind a request line, which is where the fields of any head begin. */
static llhttp_t primed;

__attribute__((constructor)) static void prime(void)
{
    static const char line[] = "GET / HTTP/1.1\r\n";
    llhttp_init(&primed, HTTP_REQUEST, &settings);
    llhttp_execute(&primed, line, sizeof(line) - 1);
}

/* From fields_at on. What the framing fields say does not count where no body can follow. */
static enum h1_cut_result cut_fields(struct h1_head *h, uint32_t max_fields, size_t len,
                                     enum h1_bad *bad)
{
    struct cut cut = {.head = h, .max_fields = max_fields};
    llhttp_t parser = primed;
    parser.data = &cut;
    llhttp_set_lenient_chunked_length(&parser, h1_head_is_bodiless(h));
    enum llhttp_errno code =
        llhttp_execute(&parser, h->base + h->fields_at, len - h->fields_at);
    if (code == HPE_OK)
        return H1_CUT_MORE;
    if (code == HPE_PAUSED) {
        h->len = (uint32_t)(parser.error_pos - h->base);
        return H1_CUT_DONE;
    }
    *bad = blame(&parser, &cut, len);
    return H1_CUT_BAD;
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
    h->field_bytes = 0;
    for (uint32_t i = 0; i < h->count; i++) {
        struct h1_field *f = &h->fields[i];
        enum h1_bad bad = check_line(h, f, &at);
        if (bad)
            return bad;
        h->field_bytes += f->name_len + f->value_len + MESSAGE_FIELD_EXTRA;
    }
    bool ends = at + 2 == h->len && h->base[at] == '\r' && h->base[at + 1] == '\n';
    return ends ? H1_BAD_NOTHING : H1_BAD_LINE_END;
}

/* "HTTP/1.0" or "HTTP/1.1" at the front. */
static enum h1_bad take_version(struct h1_head *h, struct slice text)
{
    static const char form[] = "HTTP/#.#", usual[] = "HTTP/1.1";
    if (text.len < sizeof(form) - 1)
        return H1_BAD_START_LINE;
    if (memcmp(text.ptr, usual, sizeof(usual) - 1) == 0) {
        h->minor = 1;
        return H1_BAD_NOTHING;
    }
    for (size_t i = 0; form[i]; i++) {
        if (form[i] == '#' ? !chars_is(text.ptr[i], CHARS_DIGIT) : text.ptr[i] != form[i])
            return H1_BAD_START_LINE;
    }
    if (text.ptr[5] != '1' || (text.ptr[7] != '0' && text.ptr[7] != '1'))
        return H1_BAD_VERSION;
    h->minor = (uint8_t)(text.ptr[7] - '0');
    return H1_BAD_NOTHING;
}

/* method SP target SP version, with single spaces. The target's own bytes are judged later. */
static enum h1_bad take_request_line(struct h1_head *h, const struct h1_limits *limits,
                                     struct slice line)
{
    struct slice tail = SLICE(" HTTP/1.1");
    size_t target = h->method.len + 1;
    if (line.len < target + tail.len)
        return H1_BAD_START_LINE;
    size_t end = line.len - tail.len;
    enum h1_bad bad = line.ptr[end] == ' '
                          ? take_version(h, slice_sub(line, end + 1, line.len))
                          : H1_BAD_START_LINE;
    if (bad)
        return bad;
    h->target = slice_sub(line, target, end - target);
    if (h->target.len > limits->target_bytes)
        return H1_BAD_TARGET_TOO_LONG;
    bool one = slice_find_byte(h->target, ' ') == h->target.len;
    return h->target.len && one ? H1_BAD_NOTHING : H1_BAD_TARGET;
}

/* version SP 3DIGIT [SP reason]. Servers exist that leave the last space out. */
static enum h1_bad take_status_line(struct h1_head *h, struct slice line)
{
    enum h1_bad bad = take_version(h, line);
    if (bad)
        return bad;
    if (line.len < sizeof("HTTP/1.1 200") - 1 || line.ptr[8] != ' ' ||
        !chars_all(line.ptr + 9, 3, CHARS_DIGIT))
        return H1_BAD_START_LINE;
    const char *digits = line.ptr + 9;
    h->status =
        (uint16_t)((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + digits[2] - '0');
    struct slice rest = slice_sub(line, 12, line.len);
    bool fine = rest.len == 0 || (rest.ptr[0] == ' ' && chars_all(rest.ptr, rest.len, CHARS_VALUE));
    return fine && h->status >= 100 ? H1_BAD_NOTHING : H1_BAD_START_LINE;
}

enum h1_bad h1_cut_start_line(const struct h1_rules *rules, struct h1_head *h, struct slice line)
{
    bool request = rules->role == H1_REQUEST;
    h->status = 0;
    h->fields_at = (uint32_t)line.len;
    if (line.len > h1_cut_start_line_max(rules))
        return request ? H1_BAD_TARGET_TOO_LONG : H1_BAD_START_LINE;
    struct slice text = slice_sub(line, 0, line.len - 2);
    if (line.len < 2 || slice_find_byte(line, '\r') != text.len)
        return H1_BAD_LINE_END;
    return request ? take_request_line(h, &rules->limits, text) : take_status_line(h, text);
}

/* Everything that can be said of a head once its lines are known. */
static enum h1_bad check_head(const struct h1_rules *rules, struct h1_head *h)
{
    if (h->field_bytes > rules->limits.header_bytes)
        return H1_BAD_FIELDS_TOO_LARGE;
    return rules->role == H1_REQUEST ? h1_head_check_request(h, rules->scheme)
                                     : h1_head_check_response(h);
}

/* Without llhttp. It has its own mind about the framing of answers without a body, and the first
 * word on what is wrong with a head. */
static bool cut_plain_fields(const struct h1_rules *rules, struct h1_head *h, size_t len)
{
    return !h1_head_is_bodiless(h) && h1_plain_cut(h, rules->limits.header_count, len) &&
           !check_head(rules, h);
}

enum h1_cut_result h1_cut_any_fields(const struct h1_rules *rules, struct h1_head *h, size_t len,
                                     enum h1_bad *bad)
{
    h->count = 0;
    enum h1_cut_result result = cut_fields(h, rules->limits.header_count, len, bad);
    if (result != H1_CUT_DONE)
        return result;
    *bad = check_lines(h);
    if (!*bad)
        *bad = check_head(rules, h);
    return *bad ? H1_CUT_BAD : H1_CUT_DONE;
}

/* The method alone is all that the first few bytes of a request can be judged by. */
static enum h1_cut_result cut_method(struct h1_head *head, size_t len, enum h1_bad *bad)
{
    size_t n = 0;
    while (n < len && n <= METHOD_LEN_MAX && chars_is(head->base[n], CHARS_TOKEN))
        n++;
    if (n == len && n <= METHOD_LEN_MAX)
        return H1_CUT_MORE;
    head->method = slice_of(head->base, n);
    if (n < len && head->base[n] == ' ' && method_is_valid(head->method))
        return H1_CUT_DONE;
    *bad = H1_BAD_METHOD;
    return H1_CUT_BAD;
}

enum h1_cut_result h1_cut_begin(const struct h1_rules *rules, struct h1_head *head,
                                const uint8_t *data, size_t len, enum h1_bad *bad)
{
    static const char version[] = "HTTP/";
    size_t n = len < sizeof(version) - 1 ? len : sizeof(version) - 1;
    head->base = (const char *)data;
    head->count = 0;
    if (rules->role == H1_REQUEST)
        return cut_method(head, len, bad);
    if (memcmp(data, version, n) == 0)
        return n < sizeof(version) - 1 ? H1_CUT_MORE : H1_CUT_DONE;
    *bad = H1_BAD_START_LINE;
    return H1_CUT_BAD;
}

enum h1_cut_result h1_cut_head(const struct h1_rules *rules, const uint8_t *data, size_t len,
                               struct h1_head *head, enum h1_bad *bad)
{
    enum h1_cut_result result = h1_cut_begin(rules, head, data, len, bad);
    if (result != H1_CUT_DONE)
        return result;
    const uint8_t *newline = memchr(data, '\n', len);
    if (!newline)
        return H1_CUT_MORE;
    *bad = h1_cut_start_line(rules, head, slice_of(data, (size_t)(newline + 1 - data)));
    if (*bad)
        return H1_CUT_BAD;
    if (cut_plain_fields(rules, head, len))
        return H1_CUT_DONE;
    return h1_cut_any_fields(rules, head, len, bad);
}

enum h1_bad h1_cut_trailers(const struct h1_rules *rules, struct slice section,
                            struct h1_head *head)
{
    enum h1_bad bad = H1_BAD_NOTHING;
    head->base = section.ptr;
    head->status = 0;
    head->fields_at = head->count = 0;
    enum h1_cut_result result = cut_fields(head, rules->limits.header_count, section.len, &bad);
    if (bad == H1_BAD_FIELDS_TOO_MANY)
        return H1_BAD_TRAILERS_TOO_LARGE;
    bool whole = result == H1_CUT_DONE && head->len == section.len;
    if (!whole || check_lines(head))
        return H1_BAD_TRAILER;
    if (head->field_bytes > rules->limits.header_bytes)
        return H1_BAD_TRAILERS_TOO_LARGE;
    return h1_head_check_trailers(head, rules->role);
}
