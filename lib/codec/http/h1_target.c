/* Request targets; see h1_target.h. Pure. Must not know of any field but Host. Any thread. What a
 * path means is not asked here.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/h1_target.h"

#include <string.h>

#include "lib/codec/text/chars.h"

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

enum h1_bad h1_target_check(struct h1_head *h, struct slice scheme, struct slice host)
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
