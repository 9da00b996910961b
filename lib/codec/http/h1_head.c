/* What the fields of an HTTP/1 head mean for the connection and the body, and whether they may:
 * RFC 9110 §7.6.1, RFC 9112 §6. Everything that two readers could understand differently is
 * refused. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_head.h"

#include <string.h>

#include "lib/codec/http/headers.h"
#include "lib/codec/text/chars.h"

/* ---- the target ---- */

static bool method_is(const struct h1_head *h, const char *name)
{
    return slice_eq_cstr(h->method, name);
}

static enum h1_bad check_host(const struct h1_head *h, struct slice host)
{
    if (!host.ptr)
        return h->minor ? H1_BAD_HOST_MISSING : H1_BAD_NOTHING;
    return message_authority_is_valid(host) ? H1_BAD_NOTHING : H1_BAD_HOST_INVALID;
}

/* An authority in the target counts, and what Host says is replaced by it (RFC 9112 §3.2.2,
 * §3.2.3): no reader behind us sees two. */
static enum h1_bad take_authority(struct h1_head *h, struct slice authority)
{
    if (!message_authority_is_valid(authority))
        return H1_BAD_TARGET;
    h->authority = authority;
    return H1_BAD_NOTHING;
}

/* host ":" port; the port is not optional. */
static enum h1_bad check_connect(struct h1_head *h)
{
    enum h1_bad bad = take_authority(h, h->target);
    return !bad && !message_authority_has_port(h->target) ? H1_BAD_TARGET : bad;
}

/* What follows the authority of an absolute form: path-abempty [ "?" query ]. */
static enum h1_bad take_path(struct h1_head *h, struct slice rest)
{
    h->path = rest;
    if (rest.len == 0 && method_is(h, "OPTIONS")) {
        h->path = SLICE("*");
        return H1_BAD_NOTHING;
    }
    h->path_lacks_slash = rest.len == 0 || rest.ptr[0] == '?';
    bool valid = h->path_lacks_slash ? message_query_is_valid(rest) : message_path_is_valid(rest);
    return valid ? H1_BAD_NOTHING : H1_BAD_TARGET;
}

/* scheme "://" authority and the rest, which then becomes the origin form. */
static enum h1_bad check_absolute(struct h1_head *h, struct slice scheme)
{
    size_t colon = slice_find_byte(h->target, ':');
    struct slice name = slice_sub(h->target, 0, colon);
    bool http = slice_eq_nocase(name, SLICE("http")), https = slice_eq_nocase(name, SLICE("https"));
    if ((!http && !https) || !slice_eq(slice_sub(h->target, colon, 3), SLICE("://")))
        return H1_BAD_TARGET;
    if (scheme.len && !slice_eq_nocase(name, scheme))
        return H1_BAD_SCHEME;
    struct slice rest = slice_sub(h->target, colon + 3, h->target.len);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    enum h1_bad bad = take_authority(h, slice_sub(rest, 0, end));
    return bad ? bad : take_path(h, slice_sub(rest, end, rest.len));
}

/* The four forms of a request target (RFC 9112 §3.2) and its agreement with Host, of which the
 * value is `host`, without a pointer where there was none. Fills authority and path. */
static enum h1_bad h1_target_check(struct h1_head *h, struct slice scheme, struct slice host)
{
    enum h1_bad bad = check_host(h, host);
    if (bad)
        return bad;
    h->path_lacks_slash = false;
    h->path = (struct slice){NULL, 0};
    if (method_is(h, "CONNECT"))
        return check_connect(h);
    if (h->target.len == 0)
        return H1_BAD_TARGET;
    if (h->target.ptr[0] == '/' || h->target.ptr[0] == '*') {
        bool asterisk = slice_eq(h->target, SLICE("*")) && method_is(h, "OPTIONS");
        h->authority = host;
        h->path = h->target;
        return asterisk || message_path_is_valid(h->target) ? H1_BAD_NOTHING : H1_BAD_TARGET;
    }
    return check_absolute(h, scheme);
}

/* ---- the fields ---- */

enum { OPTIONS_MAX = 32, CODING_NAME_MAX = 32 };

/* What one pass over the fields found; the judgement follows it. */
struct tally {
    struct slice host, length, coding; /* ptr NULL: absent */
    unsigned hosts, lengths, codings, upgrades;
    bool has_connection;
    bool close, keep_alive, upgrade_option; /* Connection's options */
};

static void count(struct slice *first, unsigned *times, struct slice value)
{
    if ((*times)++ == 0)
        *first = value;
}

/* The next element of a comma-separated list, trimmed; empty ones are passed over (RFC 9110
 * §5.6.1). */
static bool next_element(struct slice *list, struct slice *element)
{
    while (slice_split(list, ',', element)) {
        *element = slice_trim(*element);
        if (element->len)
            return true;
    }
    return false;
}

/* `te` is kept only as the word that it may say across hops. */
static void read_te(struct h1_head *h, struct slice value)
{
    struct slice element;
    while (next_element(&value, &element))
        h->te_trailers |= slice_eq_nocase(element, SLICE("trailers"));
}

/* "timeout=5, max=100" */
static void read_keep_alive(struct h1_head *h, struct slice value)
{
    struct slice element, key = SLICE("timeout=");
    uint64_t seconds;
    while (next_element(&value, &element)) {
        if (slice_eq_nocase(slice_sub(element, 0, key.len), key) &&
            slice_to_u64(slice_sub(element, key.len, element.len), &seconds) == ERR_OK)
            h->keep_alive_ms = seconds > 86400 ? 86400000 : (uint32_t)seconds * 1000;
    }
}

/* Names the field and notes what it says; true for those that end at this connection. */
static bool read_field(struct h1_head *h, struct h1_field *f, struct tally *t)
{
    struct slice value = h1_head_value(h, f);
    switch (f->id) {
    case HEADER_HOST:
        count(&t->host, &t->hosts, value);
        return true;
    case HEADER_CONTENT_LENGTH:
        count(&t->length, &t->lengths, value);
        return false;
    case HEADER_TRANSFER_ENCODING:
        count(&t->coding, &t->codings, value);
        return true;
    case HEADER_UPGRADE:
        t->upgrades++;
        return true;
    case HEADER_CONNECTION:
        t->has_connection = true;
        return true;
    case HEADER_KEEP_ALIVE:
        read_keep_alive(h, value);
        return true;
    case HEADER_TE:
        read_te(h, value);
        return true;
    case HEADER_EXPECT:
        h->expect_continue |= h->minor && slice_eq_nocase(value, SLICE("100-continue"));
        return false;
    case HEADER_PROXY_CONNECTION:
    case HEADER_HTTP2_SETTINGS:
        return true;
    default:
        return false;
    }
}

/* A field that Connection names ends here; the framing and what decides on access must not be made
 * to vanish that way. */
static enum h1_bad drop_named(struct h1_head *h, struct slice name)
{
    enum header_id id = headers_id_of_token(name);
    switch (id) {
    case HEADER_HOST:
    case HEADER_CONTENT_LENGTH:
    case HEADER_CONTENT_TYPE:
    case HEADER_CONTENT_ENCODING:
    case HEADER_TRANSFER_ENCODING:
    case HEADER_TRAILER:
    case HEADER_EXPECT:
    case HEADER_AUTHORIZATION:
    case HEADER_COOKIE:
    case HEADER_SET_COOKIE:
        return H1_BAD_CONNECTION;
    default:
        break;
    }
    for (uint32_t i = 0; i < h->count; i++) {
        struct h1_field *f = &h->fields[i];
        f->dropped |= id ? f->id == id : slice_eq_nocase(h1_head_name(h, f), name);
    }
    return H1_BAD_NOTHING;
}

static enum h1_bad read_connection(struct h1_head *h, struct slice value, struct tally *t,
                                   unsigned *options)
{
    struct slice option;
    enum h1_bad bad = H1_BAD_NOTHING;
    while (!bad && next_element(&value, &option)) {
        if (++*options > OPTIONS_MAX || !chars_all(option.ptr, option.len, CHARS_TOKEN))
            return H1_BAD_CONNECTION;
        if (slice_eq_nocase(option, SLICE("close")))
            t->close = true;
        else if (slice_eq_nocase(option, SLICE("keep-alive")))
            t->keep_alive = true;
        else if (slice_eq_nocase(option, SLICE("upgrade")))
            t->upgrade_option = true;
        else
            bad = drop_named(h, option);
    }
    return bad;
}

static enum h1_bad read_fields(struct h1_head *h, struct tally *t)
{
    unsigned options = 0;
    enum h1_bad bad = H1_BAD_NOTHING;
    h->keep_alive_ms = 0;
    h->expect_continue = h->te_trailers = false;
    for (uint32_t i = 0; i < h->count; i++) {
        struct h1_field *f = &h->fields[i];
        struct slice name = h1_head_name(h, f);
        f->id = (uint16_t)headers_id_of_token(name);
        f->dropped = read_field(h, f, t);
        if (f->id == HEADER_OTHER && headers_is_framing_in_disguise(name))
            return H1_BAD_FIELD_AMBIGUOUS;
    }
    for (uint32_t i = 0; t->has_connection && i < h->count && !bad; i++) {
        if (h->fields[i].id == HEADER_CONNECTION)
            bad = read_connection(h, h1_head_value(h, &h->fields[i]), t, &options);
    }
    h->keep_alive = !t->close && (h->minor || t->keep_alive);
    return bad;
}

static enum h1_bad check_coding(struct h1_head *h, const struct tally *t)
{
    if (!h->minor)
        return H1_BAD_CODING_IN_1_0;
    if (t->lengths)
        return H1_BAD_LENGTH_AND_CODING;
    if (t->codings > 1)
        return H1_BAD_CODING_INVALID;
    h->chunked = slice_eq_nocase(t->coding, SLICE("chunked"));
    if (h->chunked)
        return H1_BAD_NOTHING;
    bool token = message_name_is_valid(t->coding) && t->coding.len < CODING_NAME_MAX;
    return token && t->coding.ptr[0] != 'c' && t->coding.ptr[0] != 'C' ? H1_BAD_CODING_UNKNOWN
                                                                       : H1_BAD_CODING_INVALID;
}

/* RFC 9112 §6.3, without the leniences. */
static enum h1_bad check_framing(struct h1_head *h, const struct tally *t)
{
    h->chunked = false;
    h->content_length = -1;
    if (t->codings)
        return check_coding(h, t);
    if (t->lengths == 0)
        return H1_BAD_NOTHING;
    if (t->lengths > 1)
        return H1_BAD_LENGTH_REPEATED;
    return message_length_parse(t->length, &h->content_length) ? H1_BAD_NOTHING
                                                               : H1_BAD_LENGTH_INVALID;
}

/* protocol-name ["/" protocol-version], one or more. */
static bool protocols_are_valid(struct slice list)
{
    struct slice protocol;
    unsigned found = 0;
    while (next_element(&list, &protocol)) {
        struct slice version = protocol, name = protocol;
        if (!slice_split(&version, '/', &name) || !message_name_is_valid(name))
            return false;
        if (version.ptr && !message_name_is_valid(version))
            return false;
        found++;
    }
    return found > 0;
}

/* What must not begin behind the back of who reads this connection: other requests, or TLS. */
static bool would_hide_requests(struct slice protocol)
{
    static const struct slice names[] = {{"h2c", 3}, {"h2", 2}, {"http", 4}, {"tls", 3}};
    struct slice name = slice_sub(protocol, 0, slice_find_byte(protocol, '/'));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (slice_eq_nocase(name, names[i]))
            return true;
    return slice_eq_nocase(slice_sub(name, 0, 4), SLICE("h2c-")); /* its drafts */
}

bool h1_head_next_protocol(const struct h1_head *h, struct slice *list, struct slice *protocol)
{
    while (next_element(list, protocol))
        if (h->status || !would_hide_requests(*protocol))
            return true;
    return false;
}

/* All of them valid; h->upgrade is the first that counts. */
static enum h1_bad check_protocols(struct h1_head *h)
{
    struct slice protocol;
    for (uint32_t i = 0; i < h->count; i++) {
        struct slice list = h1_head_value(h, &h->fields[i]);
        if (h->fields[i].id != HEADER_UPGRADE)
            continue;
        if (!protocols_are_valid(list))
            return H1_BAD_UPGRADE;
        if (!h->upgrade.len && h1_head_next_protocol(h, &list, &protocol))
            h->upgrade = protocol;
    }
    return H1_BAD_NOTHING;
}

/* RFC 9110 §7.8: an upgrade may be ignored. It is when it goes with a body whose end nobody could
 * tell before the switch. */
static enum h1_bad check_request_upgrade(struct h1_head *h, const struct tally *t)
{
    h->upgrade = (struct slice){NULL, 0};
    if (!h->minor || !t->upgrades || !t->upgrade_option)
        return H1_BAD_NOTHING;
    enum h1_bad bad = check_protocols(h);
    if (h->chunked)
        h->upgrade = (struct slice){NULL, 0};
    return bad;
}

enum h1_bad h1_head_check_request(struct h1_head *h, struct slice scheme)
{
    struct tally t = {0};
    h->status = 0;
    enum h1_bad bad = read_fields(h, &t);
    if (!bad && t.hosts > 1)
        bad = H1_BAD_HOST_REPEATED;
    if (!bad)
        bad = check_framing(h, &t);
    if (!bad)
        bad = h1_target_check(h, scheme, t.host);
    if (!bad)
        bad = check_request_upgrade(h, &t);
    if (bad)
        return bad;
    bool bodiless = slice_eq(h->method, SLICE("CONNECT")) || slice_eq(h->method, SLICE("TRACE"));
    return bodiless && (h->chunked || h->content_length >= 0) ? H1_BAD_BODY_FORBIDDEN
                                                              : H1_BAD_NOTHING;
}

/* Ends with its head, so the framing fields frame nothing (RFC 9112 §6.3) and are left out, but
 * for the length that a 304 says of what it stands for (RFC 9110 §8.6). Whether something that the
 * sender takes for a body follows all the same is not known: no other answer may on that
 * connection. */
static void drop_framing(struct h1_head *h, const struct tally *t)
{
    bool said = t->lengths == 1 && !t->codings && check_framing(h, t) == H1_BAD_NOTHING;
    bool keep = said && h->status == 304;
    if (t->codings || t->lengths > said || (h->content_length > 0 && !keep))
        h->keep_alive = false;
    h->chunked = false;
    if (keep)
        return;
    h->content_length = -1;
    for (uint32_t i = 0; t->lengths && i < h->count; i++)
        h->fields[i].dropped |= h->fields[i].id == HEADER_CONTENT_LENGTH;
}

enum h1_bad h1_head_check_response(struct h1_head *h)
{
    struct tally t = {0};
    h->method = h->authority = h->path = h->upgrade = (struct slice){NULL, 0};
    enum h1_bad bad = read_fields(h, &t);
    h->content_length = -1;
    if (!bad && h1_head_is_bodiless(h))
        drop_framing(h, &t);
    else if (!bad)
        bad = check_framing(h, &t);
    if (bad || h->status != 101)
        return bad;
    return t.upgrades && t.upgrade_option ? check_protocols(h) : H1_BAD_UPGRADE;
}

/* What a trailer must not say is refused where it could change what we did with a request, and left
 * out of an answer; framing is refused in both. */
enum h1_bad h1_head_check_trailers(struct h1_head *h, enum h1_role role)
{
    for (uint32_t i = 0; i < h->count; i++) {
        struct h1_field *f = &h->fields[i];
        struct slice name = h1_head_name(h, f);
        f->id = (uint16_t)headers_id_of_token(name);
        f->dropped = headers_is_forbidden_trailer((enum header_id)f->id);
        bool bad = role == H1_REQUEST ? f->dropped : headers_is_framing((enum header_id)f->id);
        if (bad || headers_is_framing_in_disguise(name))
            return H1_BAD_TRAILER;
    }
    return H1_BAD_NOTHING;
}
