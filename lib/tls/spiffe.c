/* SPIFFE-ID parsing: one pass over the text, everything that the standard does not allow is an
 * error. Pure; any thread. Must not know of certificates.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/tls/spiffe.h"

#include "lib/base/mem.h"

enum { ID_MAX = 2048, TRUST_DOMAIN_MAX = 255 };

static bool is_domain_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

static bool is_path_char(char c)
{
    return is_domain_char(c) || (c >= 'A' && c <= 'Z');
}

static bool all_of(struct slice s, bool (*is_ok)(char))
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_ok(s.ptr[i]))
            return false;
    }
    return true;
}

static bool is_good_segment(struct slice s)
{
    return s.len && !slice_eq(s, SLICE(".")) && !slice_eq(s, SLICE("..")) &&
           all_of(s, is_path_char);
}

/* path begins with '/'. */
static bool is_good_path(struct slice path)
{
    struct slice rest = slice_sub(path, 1, path.len), segment;
    if (slice_is_empty(rest) || slice_ends_with(rest, SLICE("/")))
        return false;
    while (slice_split(&rest, '/', &segment)) {
        if (!is_good_segment(segment))
            return false;
    }
    return true;
}

static void find_names(struct spiffe_id *id)
{
    struct slice part[5] = {0}, rest = slice_sub(id->path, 1, id->path.len);
    size_t n = 0;
    while (n < 5 && slice_split(&rest, '/', &part[n]))
        n++;
    if (n == 4 && slice_eq(part[0], SLICE("ns")) && slice_eq(part[2], SLICE("sa"))) {
        id->ns = part[1];
        id->sa = part[3];
    }
}

enum err spiffe_parse(struct slice text, struct spiffe_id *out)
{
    static const struct slice scheme = {"spiffe://", 9};
    *out = (struct spiffe_id){.text = text};
    if (text.len > ID_MAX || !slice_starts_with(text, scheme))
        return ERR_SYNTAX;
    struct slice rest = slice_sub(text, scheme.len, text.len);
    size_t slash = slice_find_byte(rest, '/');
    out->trust_domain = slice_sub(rest, 0, slash);
    out->path = slice_sub(rest, slash, rest.len);
    if (slice_is_empty(out->trust_domain) || out->trust_domain.len > TRUST_DOMAIN_MAX ||
        !all_of(out->trust_domain, is_domain_char))
        return ERR_SYNTAX;
    if (slice_is_empty(out->path))
        return ERR_OK;
    if (!is_good_path(out->path))
        return ERR_SYNTAX;
    find_names(out);
    return ERR_OK;
}

bool spiffe_is_trust_domain(struct slice text)
{
    struct spiffe_id id;
    char *whole = mem_printf("spiffe://%.*s", SLICE_ARG(text));
    bool yes = spiffe_parse(slice_from_cstr(whole), &id) == ERR_OK && slice_is_empty(id.path);
    mem_free(whole);
    return yes;
}
