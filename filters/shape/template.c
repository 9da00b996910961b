/* A template is a list of parts: literal texts, and where values come from.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/template.h"

#include "filters/caller/credential_query.h"
#include "lib/base/percent.h"
#include "lib/codec/doc/json_tree.h"
#include "lib/jose/claims.h"

enum source {
    LITERAL,
    HEADER,
    QUERY,
    METHOD,
    HOST,
    PATH,
    SEGMENT,
    CLAIM,
    CONSUMER_ID,
    CONSUMER_NAME,
    CONSUMER_CUSTOM_ID,
    CLIENT_IP,
    REQUEST_ID,
    ROUTE,
    STATUS,
    REASON,
};

struct template_part {
    enum source source;
    struct slice text; /* the literal; the name */
    struct slice fallback;
    bool has_fallback;
    uint16_t header; /* enum header_id */
    uint32_t index;
};

/* ---- from text ---- */

static const struct {
    const char *name;
    enum source source;
    bool is_prefix, is_response;
} sources[] = {
    {"headers.", HEADER, true, false},
    {"query.", QUERY, true, false},
    {"claims.", CLAIM, true, false},
    {"method", METHOD, false, false},
    {"host", HOST, false, false},
    {"path", PATH, false, false},
    {"consumer.id", CONSUMER_ID, false, false},
    {"consumer.username", CONSUMER_NAME, false, false},
    {"consumer.customId", CONSUMER_CUSTOM_ID, false, false},
    {"clientIP", CLIENT_IP, false, false},
    {"requestID", REQUEST_ID, false, false},
    {"route", ROUTE, false, false},
    {"status", STATUS, false, true},
    {"reason", REASON, false, true},
};

static bool take_segment(struct slice name, struct template_part *to)
{
    uint64_t index;
    struct slice digits = slice_sub(name, 5, name.len - 6);
    if (!slice_starts_with(name, SLICE("path[")) || !slice_ends_with(name, SLICE("]")) ||
        slice_to_u64(digits, &index) || index > 255)
        return false;
    to->source = SEGMENT;
    to->index = (uint32_t)index;
    return true;
}

static bool take_source(struct arena *a, struct slice name, bool is_response,
                        struct template_part *to)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
        struct slice known = slice_from_cstr(sources[i].name);
        bool is_it = sources[i].is_prefix
                         ? name.len > known.len && slice_starts_with(name, known)
                         : slice_eq(name, known);
        if (!is_it || (sources[i].is_response && !is_response))
            continue;
        to->source = sources[i].source;
        to->text = sources[i].is_prefix ? slice_sub(name, known.len, name.len) : SLICE("");
        if (to->source == HEADER) {
            to->text = arena_copy_lower(a, to->text);
            to->header = (uint16_t)header_id_of(to->text);
        }
        return to->source != HEADER || message_name_is_valid(to->text);
    }
    return take_segment(name, to);
}

/* What stands between the brackets: "headers.x // 'none'". */
static const char *take_value(struct arena *a, struct slice inside, bool is_response,
                              struct template_part *to)
{
    size_t at = slice_find(inside, SLICE("//"));
    struct slice name = slice_trim(slice_sub(inside, 0, at));
    if (at < inside.len) {
        struct slice text = slice_trim(slice_sub(inside, at + 2, inside.len));
        bool is_quoted = text.len >= 2 && text.ptr[0] == '\'' && text.ptr[text.len - 1] == '\'';
        if (!is_quoted)
            return arena_strdup(a, arena_printf(a, "the default in $(%.*s) must stand in single "
                                                   "quotes", SLICE_ARG(inside)));
        to->fallback = slice_sub(text, 1, text.len - 2);
        to->has_fallback = true;
    }
    if (!take_source(a, name, is_response, to))
        return arena_strdup(a, arena_printf(a, "there is no $(%.*s)", SLICE_ARG(name)));
    return NULL;
}

/* Where the bracket closes; one in a quoted default does not. */
static size_t find_close(struct slice text)
{
    bool quoted = false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            quoted = !quoted;
        else if (text.ptr[i] == ')' && !quoted)
            return i;
    }
    return text.len;
}

static size_t count_parts(struct slice text)
{
    size_t count = 1;
    for (size_t i = 0; i + 1 < text.len; i++)
        count += text.ptr[i] == '$' && text.ptr[i + 1] == '(' ? 2 : 0;
    return count;
}

static void put_literal(struct template_part *parts, uint32_t *count, struct slice text)
{
    if (text.len)
        parts[(*count)++] = (struct template_part){.source = LITERAL, .text = text};
}

const char *template_compile(struct arena *a, struct slice text, bool is_response,
                             struct template *out)
{
    struct template_part *parts = arena_zalloc(a, count_parts(text) * sizeof(*parts));
    *out = (struct template){.parts = parts};
    while (text.len) {
        size_t at = slice_find(text, SLICE("$("));
        bool is_escaped = at > 0 && at < text.len && text.ptr[at - 1] == '$';
        put_literal(parts, &out->count, slice_sub(text, 0, is_escaped ? at - 1 : at));
        if (is_escaped)
            put_literal(parts, &out->count, slice_sub(text, at, 2));
        text = slice_sub(text, is_escaped ? at + 2 : at, text.len);
        if (!text.len || is_escaped)
            continue;
        size_t close = find_close(text);
        if (close == text.len)
            return "a $( is not closed";
        struct template_part *part = &parts[out->count++];
        const char *why = take_value(a, slice_sub(text, 2, close - 2), is_response, part);
        if (why)
            return why;
        text = slice_sub(text, close + 1, text.len);
    }
    return NULL;
}

/* ---- values ---- */

static struct slice header_of(const struct template_part *p, const struct filter_exchange *x)
{
    const struct headers *h = &x->request->headers;
    const struct header *found =
        p->header == HEADER_OTHER ? headers_find(h, p->text) : headers_find_id(h, p->header);
    return found ? found->value : (struct slice){NULL, 0};
}

static struct slice query_of(const struct template_part *p, struct filter_exchange *x)
{
    struct credential_query found = {.count = 0};
    credential_query_find(x->arena, x->request->path, &p->text, 1, &found);
    return found.count ? found.value : (struct slice){NULL, 0};
}

static struct slice segment_of(const struct template_part *p, struct filter_exchange *x)
{
    struct slice rest = slice_sub(x->match_path, 1, x->match_path.len), part;
    for (uint32_t i = 0; slice_split(&rest, '/', &part); i++)
        if (i == p->index)
            return part.len ? percent_decode(part, arena_alloc(x->arena, part.len)) : part;
    return (struct slice){NULL, 0};
}

static struct slice client_of(struct filter_exchange *x)
{
    char text[ADDR_TEXT_MAX];
    if (!x->client || x->client->is_unknown || !x->client->client.family)
        return (struct slice){NULL, 0};
    return arena_copy(x->arena, slice_from_cstr(addr_format_ip(&x->client->client, text)));
}

static struct slice text_or_none(struct slice text)
{
    return text.len ? text : (struct slice){NULL, 0};
}

static struct slice caller_of(const struct template_part *p, struct filter_exchange *x)
{
    const struct filter_caller *c = x->caller;
    if (!c)
        return (struct slice){NULL, 0};
    switch (p->source) {
    case CLAIM: {
        const struct doc *claim = c->claims ? claims_find(c->claims, p->text) : NULL;
        return text_or_none(claim ? claims_value_text(claim, x->arena) : SLICE(""));
    }
    case CONSUMER_ID:
        return text_or_none(c->consumer_id);
    case CONSUMER_NAME:
        return text_or_none(c->username);
    default:
        return text_or_none(c->custom_id);
    }
}

/* NULL: it is not there. */
static struct slice value_of(const struct template_part *p, struct filter_exchange *x)
{
    switch (p->source) {
    case LITERAL:
        return p->text;
    case HEADER:
        return header_of(p, x);
    case QUERY:
        return query_of(p, x);
    case METHOD:
        return x->request->method;
    case HOST:
        return text_or_none(x->request->authority);
    case PATH:
        return message_path_only(x->request);
    case SEGMENT:
        return segment_of(p, x);
    case CLIENT_IP:
        return client_of(x);
    case REQUEST_ID:
        return text_or_none(headers_get_id(&x->request->headers, HEADER_X_REQUEST_ID));
    case ROUTE:
        return text_or_none(x->route);
    case STATUS:
        return arena_decimal(x->arena, x->response->status);
    case REASON:
        return slice_from_cstr(message_reason(x->response->status));
    default:
        return caller_of(p, x);
    }
}

/* ---- inside other text ---- */

static struct slice to_html(struct arena *a, struct slice text)
{
    char *to = arena_alloc(a, text.len * 6);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = text.ptr[i] == '&'    ? "&amp;"
                             : text.ptr[i] == '<'  ? "&lt;"
                             : text.ptr[i] == '>'  ? "&gt;"
                             : text.ptr[i] == '"'  ? "&quot;"
                             : text.ptr[i] == '\'' ? "&#39;"
                                                   : NULL;
        struct slice piece = escape ? slice_from_cstr(escape) : slice_of(text.ptr + i, 1);
        memcpy(to + len, piece.ptr, piece.len);
        len += piece.len;
    }
    return slice_of(to, len);
}

static struct slice encode(struct arena *a, struct slice value)
{
    char *to = arena_alloc(a, value.len * 3 + 1);
    return slice_of(to, percent_encode(value, "-._~", to));
}

static struct slice fit(const struct template_part *p, struct filter_exchange *x,
                        enum template_use use, struct slice value)
{
    if (p->source == LITERAL || !value.ptr)
        return value;
    switch (use) {
    case TEMPLATE_HEADER:
        return message_value_is_valid(value) ? value : (struct slice){NULL, 0};
    case TEMPLATE_PATH:
        if (p->source == PATH)
            return value;
        return encode(x->arena, value);
    case TEMPLATE_JSON: {
        struct slice quoted = json_tree_quote(x->arena, value);
        return slice_sub(quoted, 1, quoted.len - 2);
    }
    case TEMPLATE_HTML:
        return to_html(x->arena, value);
    default:
        return value;
    }
}

static struct slice part_text(const struct template_part *p, struct filter_exchange *x,
                              enum template_use use, bool *is_there)
{
    struct slice value = fit(p, x, use, value_of(p, x));
    if (!value.ptr && p->has_fallback)
        value = fit(p, x, use, p->fallback.ptr ? p->fallback : SLICE(""));
    *is_there |= value.ptr != NULL;
    return value;
}

bool template_render(const struct template *t, struct filter_exchange *x, enum template_use use,
                     struct slice *out)
{
    bool is_there = t->count == 0;
    *out = SLICE("");
    if (t->count == 1) {
        struct slice only = part_text(&t->parts[0], x, use, &is_there);
        *out = only.ptr ? only : SLICE("");
        return is_there;
    }
    struct slice *pieces = arena_alloc(x->arena, t->count * sizeof(*pieces));
    size_t len = 0, at = 0;
    for (uint32_t i = 0; i < t->count; i++) {
        pieces[i] = part_text(&t->parts[i], x, use, &is_there);
        len += pieces[i].len;
    }
    char *text = arena_alloc(x->arena, len + 1);
    for (uint32_t i = 0; i < t->count; i++) {
        if (pieces[i].len)
            memcpy(text + at, pieces[i].ptr, pieces[i].len);
        at += pieces[i].len;
    }
    *out = slice_of(text, at);
    return is_there;
}

bool template_is_complete(const struct template *t, struct filter_exchange *x)
{
    for (uint32_t i = 0; i < t->count; i++) {
        const struct template_part *p = &t->parts[i];
        if (p->source != LITERAL && !p->has_fallback && !value_of(p, x).len)
            return false;
    }
    return true;
}
