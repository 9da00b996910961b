/* Which certificate answers a hello. The host name leads to those of one listener: the exact name,
 * then "*." in place of one label, of two, and so on, then "*". Among them count what the client
 * can verify, then the names that a certificate has itself, then the order. Pure; any thread. Must
 * not know of connections.
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

/* The first of those that are alike. */
static const struct tls_name *find(const struct tls_ctx *c, bool wild, struct slice rest)
{
    size_t low = 0, high = c->name_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(wild, rest, c->names[middle].text) <= 0)
            high = middle;
        else
            low = middle + 1;
    }
    bool found = low < c->name_count && compare(wild, rest, c->names[low].text) == 0;
    return found ? &c->names[low] : NULL;
}

static const struct tls_name *find_host(const struct tls_ctx *c, struct slice rest)
{
    const struct tls_name *found = rest.len ? find(c, false, rest) : NULL;
    while (!found && rest.len) {
        size_t dot = slice_find_byte(slice_sub(rest, 1, rest.len), '.') + 1;
        if (dot >= rest.len)
            break;
        rest = slice_sub(rest, dot, rest.len);
        found = find(c, true, rest);
    }
    return found ? found : find(c, true, SLICE(""));
}

/* How well a certificate would do: higher is better. */
static int worth(const struct tls_ctx *c, size_t cert, struct slice host, unsigned keys)
{
    const struct tls_own_cert *own = &c->own[cert];
    return ((own->key & keys) ? 4 : 0) + tls_own_cert_fits(own, host);
}

static bool has_name(const struct tls_ctx *c, size_t cert, struct slice name)
{
    for (size_t i = 0; i < c->name_count; i++)
        if (c->names[i].cert == cert && slice_eq(c->names[i].text, name))
            return true;
    return false;
}

/* Of the certificates that are for what the first one is for. */
static size_t pick_default(const struct tls_ctx *c, struct slice host, unsigned keys)
{
    size_t best = 0;
    for (size_t i = 0; i < c->name_count; i++) {
        if (!has_name(c, 0, c->names[i].text))
            continue;
        size_t cert = c->names[i].cert;
        int gain = worth(c, cert, host, keys) - worth(c, best, host, keys);
        if (gain > 0 || (gain == 0 && cert < best))
            best = cert;
    }
    return best;
}

WOLFSSL_CTX *tls_sni_pick(const struct tls_ctx *c, const char *host, unsigned keys)
{
    struct slice name = slice_from_cstr(host);
    if (c->role != TLS_PUBLIC_SERVER)
        return c->libs[0];
    const struct tls_name *found = find_host(c, name);
    if (!found)
        return c->strict_sni ? NULL : c->libs[pick_default(c, name, keys)];
    const struct tls_name *best = found, *end = c->names + c->name_count;
    for (const struct tls_name *n = found + 1; n < end && slice_eq(n->text, found->text); n++)
        if (worth(c, n->cert, name, keys) > worth(c, best->cert, name, keys))
            best = n;
    return c->libs[best->cert];
}
