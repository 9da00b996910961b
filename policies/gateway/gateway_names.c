/* Names of at most 63 bytes, without dots, that differ when Gateways do. Pure. Must not know what
 * is made under them.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "policies/gateway/gateway_names.h"

#include <stdio.h>

enum { KEPT = 50 };

/* A Service's name has no dots and begins with a letter. */
static bool starts_well(struct slice name)
{
    return name.len && name.ptr[0] >= 'a' && name.ptr[0] <= 'z';
}

static bool fits(struct slice name)
{
    return name.len < GATEWAY_NAMES_MAX && starts_well(name) &&
           slice_find_byte(name, '.') == name.len;
}

static void clean(char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (name[i] == '.')
            name[i] = '-';
}

char *gateway_names_managed(const struct gateway *g, char name[GATEWAY_NAMES_MAX])
{
    char whole[520];
    int len = snprintf(whole, sizeof whole, "%.*s-%.*s",
                       SLICE_ARG(slice_sub(g->object.meta.name, 0, 253)),
                       SLICE_ARG(slice_sub(g->spec.class_name, 0, 253)));
    struct slice text = slice_of(whole, (size_t)len);
    if (fits(text)) {
        memcpy(name, whole, text.len + 1);
        return name;
    }
    uint64_t hash = slice_hash(text);
    size_t kept = text.len < KEPT ? text.len : KEPT;
    clean(whole, kept);
    snprintf(name, GATEWAY_NAMES_MAX, "%s%.*s-%08x", starts_well(text) ? "" : "g", (int)kept, whole,
             (unsigned)(hash ^ hash >> 32));
    return name;
}

/* Dots may be in it, and what is kept of a name that is too long begins as the name does. */
char *gateway_names_label(struct slice name, char label[GATEWAY_NAMES_MAX])
{
    uint64_t hash = slice_hash(name);
    if (name.len < GATEWAY_NAMES_MAX)
        snprintf(label, GATEWAY_NAMES_MAX, "%.*s", SLICE_ARG(name));
    else
        snprintf(label, GATEWAY_NAMES_MAX, "%.*s-%08x", (int)KEPT, name.ptr,
                 (unsigned)(hash ^ hash >> 32));
    return label;
}
