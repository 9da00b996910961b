/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/public_url.h"

/* "[::1]:80" -> "[::1]"; "a:80" -> "a". */
static struct slice without_port(struct slice authority)
{
    size_t end = authority.len;
    while (end > 0 && authority.ptr[end - 1] >= '0' && authority.ptr[end - 1] <= '9')
        end--;
    bool has_port = end > 0 && authority.ptr[end - 1] == ':' && end < authority.len;
    return has_port ? slice_sub(authority, 0, end - 1) : authority;
}

static bool covers(struct slice pattern, struct slice host)
{
    if (!slice_starts_with(pattern, SLICE("*.")))
        return slice_eq_nocase(pattern, host);
    struct slice suffix = slice_sub(pattern, 1, pattern.len);
    return host.len > suffix.len &&
           slice_eq_nocase(slice_sub(host, host.len - suffix.len, suffix.len), suffix);
}

bool public_url_is_inner(const struct public_url *m, struct slice asked, struct slice host)
{
    if (host.len && slice_eq_nocase(without_port(asked), host))
        return true;
    for (uint32_t i = 0; i < m->host_count; i++)
        if (covers(m->hosts[i], host))
            return true;
    return false;
}

/* By whole segments: "/a" is the prefix of "/a/b", not of "/ab". */
static bool is_below(struct slice path, struct slice prefix)
{
    if (!slice_starts_with(path, prefix))
        return false;
    char next = path.len > prefix.len ? path.ptr[prefix.len] : '/';
    return next == '/' || next == '?' || next == '#';
}

struct slice public_url_path(const struct public_url *m, struct arena *a, struct slice path)
{
    bool is_public = m->public_prefix.len > m->backend_prefix.len && m->public_prefix.len &&
                     is_below(path, m->public_prefix);
    if (is_public || !is_below(path, m->backend_prefix))
        return path;
    struct slice rest = slice_sub(path, m->backend_prefix.len, path.len);
    if (!m->public_prefix.len && (!rest.len || rest.ptr[0] != '/'))
        return arena_printf(a, "/%.*s", SLICE_ARG(rest));
    return arena_printf(a, "%.*s%.*s", SLICE_ARG(m->public_prefix), SLICE_ARG(rest));
}

/* Behind "http://" or "https://" or "//": the rest of the URL from its authority on. */
static bool take_scheme(struct slice *url)
{
    static const struct slice starts[] = {{"http://", 7}, {"https://", 8}, {"//", 2}};
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
        struct slice start = slice_sub(*url, 0, starts[i].len);
        if (!slice_eq_nocase(start, starts[i]))
            continue;
        *url = slice_sub(*url, starts[i].len, url->len);
        return true;
    }
    return false;
}

struct slice public_url_make(const struct public_url *m, struct arena *a, struct slice asked,
                             struct slice url)
{
    struct slice rest = url;
    if (!take_scheme(&rest))
        return url.len && url.ptr[0] == '/' ? public_url_path(m, a, url) : url;
    size_t end = 0;
    while (end < rest.len && !strchr("/?#", rest.ptr[end]))
        end++;
    struct slice authority = slice_sub(rest, 0, end);
    if (!public_url_is_inner(m, asked, without_port(authority)))
        return url;
    struct slice path = slice_sub(rest, end, rest.len);
    if (!path.len || path.ptr[0] != '/')
        path = arena_printf(a, "/%.*s", SLICE_ARG(path));
    /* "//x" would be another host. */
    while (path.len > 1 && path.ptr[1] == '/')
        path = slice_sub(path, 1, path.len);
    return public_url_path(m, a, path);
}
