/* Finding a virtual host by name.
 * Any thread. Must not look at routes.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "sidecar/config/route/route_hosts.h"

#include "lib/codec/http/host.h"

static const struct route_host *find(const struct lookup *l, struct slice name)
{
    uint64_t hash = slice_hash(name), at = hash;
    const struct route_host *host;
    while ((host = lookup_next(l, hash, &at))) {
        if (slice_eq(host->name, name))
            break;
    }
    return host;
}

/* A wildcard stands for at least one label, so the search begins behind the first. */
static const struct route_host *find_suffix(const struct route_hosts *h, struct slice host)
{
    for (size_t at = 1; at < host.len; at++) {
        if (host.ptr[at] != '.')
            continue;
        const struct route_host *found = find(&h->suffixes, slice_sub(host, at, host.len));
        if (found)
            return found;
    }
    return NULL;
}

bool route_hosts_find(const struct route_hosts *h, struct slice host, struct route_range *out)
{
    const struct route_host *found = NULL;
    if (h->exact_count + h->suffix_count) {
        char text[HOST_MAX];
        struct slice lower = host_lower(host, text);
        found = find(&h->exact, lower);
        if (!found && h->suffix_count)
            found = find_suffix(h, lower);
    }
    *out = found ? found->routes : h->any;
    return found || h->has_any;
}

static bool is_host(struct slice name)
{
    if (name.len == 0 || name.len > HOST_MAX)
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (c <= ' ' || c == '*' || c == '/' || (c >= 'A' && c <= 'Z') || c == 0x7f)
            return false;
    }
    return true;
}

enum err route_hosts_add(struct route_hosts *h, struct arena *arena, struct slice name,
                         struct route_range routes)
{
    if (slice_eq(name, SLICE("*"))) {
        if (h->has_any)
            return ERR_EXISTS;
        h->any = routes;
        h->has_any = true;
        return ERR_OK;
    }
    bool is_suffix = slice_starts_with(name, SLICE("*."));
    struct lookup *l = is_suffix ? &h->suffixes : &h->exact;
    if (is_suffix)
        name = slice_sub(name, 1, name.len);
    if (!is_host(name) || (is_suffix && name.len == 1))
        return ERR_SYNTAX;
    if (find(l, name))
        return ERR_EXISTS;
    struct route_host *host = arena_alloc(arena, sizeof(*host));
    *host = (struct route_host){name, routes};
    lookup_add(l, slice_hash(name), host);
    if (is_suffix)
        h->suffix_count++;
    else
        h->exact_count++;
    return ERR_OK;
}
