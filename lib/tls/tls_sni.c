/* Which certificate answers for a host name: the exact name, then "*." in place of one label, of
 * two, and so on, then the first. Pure; any thread. Must not know of connections.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "lib/tls/tls_priv.h"

/* Compares "*" (when wild) followed by rest with a name of the context. */
static int compare(bool wild, struct slice rest, struct slice name)
{
    if (wild) {
        if (name.len == 0 || name.ptr[0] != '*')
            return name.len && (unsigned char)name.ptr[0] > '*' ? -1 : 1;
        name = slice_sub(name, 1, name.len);
    }
    size_t n = rest.len < name.len ? rest.len : name.len;
    int order = n ? memcmp(rest.ptr, name.ptr, n) : 0;
    return order ? order : (rest.len > name.len) - (rest.len < name.len);
}

static const struct tls_name *find(const struct tls_ctx *c, bool wild, struct slice rest)
{
    size_t low = 0, high = c->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare(wild, rest, c->names[middle].text);
        if (order == 0)
            return &c->names[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

WOLFSSL_CTX *tls_sni_pick(const struct tls_ctx *c, const char *host)
{
    struct slice rest = slice_from_cstr(host);
    if (c->role != TLS_PUBLIC_SERVER)
        return c->libs[0];
    const struct tls_name *found = rest.len ? find(c, false, rest) : NULL;
    while (!found) {
        size_t dot = slice_find_byte(slice_sub(rest, 1, rest.len), '.') + 1;
        if (dot >= rest.len)
            break;
        rest = slice_sub(rest, dot, rest.len);
        found = find(c, true, rest);
    }
    if (found)
        return c->libs[found->cert];
    return c->strict_sni ? NULL : c->libs[0];
}
