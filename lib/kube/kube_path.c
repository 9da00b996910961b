/* Percent-encoding: names, tokens and selectors stay one path segment, or one value of a query,
 * whatever they hold. Pure; any thread. Must not know which paths there are.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/kube/kube_path.h"

#include "lib/base/mem.h"

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_' || c == '.' || c == '~';
}

char *kube_path_escape(struct slice s)
{
    static const char hex[] = "0123456789ABCDEF";
    char *text = mem_alloc(s.len * 3 + 1), *to = text;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_plain(s.ptr[i])) {
            *to++ = s.ptr[i];
            continue;
        }
        *to++ = '%';
        *to++ = hex[c >> 4];
        *to++ = hex[c & 15];
    }
    *to = '\0';
    return text;
}
