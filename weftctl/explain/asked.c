/* Taking a URL apart. Main thread.
 * Must not know what the request is matched against.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "weftctl/explain/asked.h"

#include "lib/codec/http/normalize.h"

static bool take_scheme(struct asked *a, struct slice *rest)
{
    size_t end = slice_find(*rest, SLICE("://"));
    if (end == rest->len)
        return false;
    a->scheme = slice_sub(*rest, 0, end);
    *rest = slice_sub(*rest, end + 3, rest->len);
    return slice_eq(a->scheme, SLICE("http")) || slice_eq(a->scheme, SLICE("https"));
}

static bool take_port(struct asked *a, struct slice text)
{
    uint64_t port;
    if (slice_to_u64(text, &port) || port == 0 || port > UINT16_MAX)
        return false;
    a->port = (uint16_t)port;
    return true;
}

/* "host", "host:80", "[::1]:80". */
static bool take_authority(struct asked *a, struct arena *arena)
{
    struct slice text = a->authority, port = {NULL, 0};
    size_t bracket = slice_find_byte(text, ']');
    bool is_ipv6 = text.len && text.ptr[0] == '[';
    if (is_ipv6 && bracket == text.len)
        return false;
    struct slice host =
        is_ipv6 ? slice_sub(text, 1, bracket - 1) : slice_sub(text, 0, slice_find_byte(text, ':'));
    struct slice behind = slice_sub(text, is_ipv6 ? bracket + 1 : host.len, text.len);
    if (behind.len && behind.ptr[0] != ':')
        return false;
    port = slice_sub(behind, 1, behind.len);
    a->port = slice_eq(a->scheme, SLICE("https")) ? 443 : 80;
    if (behind.len && !take_port(a, port))
        return false;
    if (host.len > 1 && host.ptr[host.len - 1] == '.')
        host.len--;
    a->host = arena_copy_lower(arena, host);
    return host.len > 0 && slice_find_byte(host, '@') == host.len;
}

bool asked_parse(struct asked *a, struct arena *arena, const char *method, const char *url,
                 const char **why)
{
    struct slice rest = slice_from_cstr(arena_strdup(arena, slice_from_cstr(url)));
    *a = (struct asked){.method = slice_from_cstr(method)};
    *why = "a method is wanted, in capital letters: GET, POST, ...";
    if (!a->method.len)
        return false;
    for (size_t i = 0; i < a->method.len; i++)
        if (a->method.ptr[i] < 'A' || a->method.ptr[i] > 'Z')
            return false;
    *why = "a URL begins with http:// or https://";
    if (!take_scheme(a, &rest))
        return false;
    rest.len = slice_find_byte(rest, '#');
    size_t path = 0;
    while (path < rest.len && rest.ptr[path] != '/' && rest.ptr[path] != '?')
        path++;
    a->authority = slice_sub(rest, 0, path);
    *why = "the URL names no host, or a port that is none";
    if (!take_authority(a, arena))
        return false;
    a->target = slice_sub(rest, path, rest.len);
    if (!a->target.len || a->target.ptr[0] == '?')
        a->target = arena_printf(arena, "/%.*s", SLICE_ARG(a->target));
    size_t question = slice_find_byte(a->target, '?');
    a->path =
        normalize_path_readings(arena, slice_sub(a->target, 0, question), &a->other_paths);
    return true;
}

bool asked_add_header(struct asked *a, struct arena *arena, const char *line)
{
    struct slice text = slice_from_cstr(line);
    size_t colon = slice_find_byte(text, ':');
    if (colon == 0 || colon == text.len || a->header_count == ASKED_HEADERS_MAX)
        return false;
    struct asked_header *h = &a->headers[a->header_count++];
    h->name = arena_copy_lower(arena, slice_trim(slice_sub(text, 0, colon)));
    h->value = slice_trim(slice_sub(text, colon + 1, text.len));
    return h->name.len > 0;
}

static void say_length(struct message *m, struct slice value)
{
    uint64_t length;
    if (slice_to_u64(value, &length) == ERR_OK && length <= INT64_MAX)
        m->content_length = (int64_t)length;
}

struct message *asked_message(const struct asked *a, struct arena *arena)
{
    struct message *m = arena_alloc(arena, sizeof(*m));
    message_init(m, arena);
    m->version = HTTP_1_1;
    m->method = a->method;
    m->authority = a->authority;
    m->path = a->target;
    for (size_t i = 0; i < a->header_count; i++) {
        if (slice_eq(a->headers[i].name, SLICE("host")))
            m->authority = a->headers[i].value;
        else
            headers_add(&m->headers, a->headers[i].name, a->headers[i].value);
        if (slice_eq(a->headers[i].name, SLICE("content-length")))
            say_length(m, a->headers[i].value);
    }
    return m;
}
