/* Looking request methods up. Pure data. Must not know what a
 * method means. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/h1_method.h"

#include <stddef.h>

enum { COMMON = 9 };

static const struct slice methods[] = {
    {"GET", 3},      {"POST", 4},        {"PUT", 3},         {"HEAD", 4},         {"DELETE", 6},
    {"PATCH", 5},    {"OPTIONS", 7},     {"CONNECT", 7},     {"TRACE", 5},        {"QUERY", 5},
    {"PROPFIND", 8}, {"PROPPATCH", 9},   {"REPORT", 6},      {"SEARCH", 6},       {"PURGE", 5},
    {"COPY", 4},     {"LOCK", 4},        {"UNLOCK", 6},      {"MKCOL", 5},        {"MOVE", 4},
    {"BIND", 4},     {"REBIND", 6},      {"UNBIND", 6},      {"ACL", 3},          {"LINK", 4},
    {"UNLINK", 6},   {"MKACTIVITY", 10}, {"MKCALENDAR", 10}, {"CHECKOUT", 8},     {"MERGE", 5},
    {"M-SEARCH", 8}, {"NOTIFY", 6},      {"SUBSCRIBE", 9},   {"UNSUBSCRIBE", 11}, {"SOURCE", 6},
};

static struct slice find_in(struct slice token, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slice_eq(token, methods[i]))
            return methods[i];
    }
    return (struct slice){NULL, 0};
}

struct slice h1_method_find(struct slice token)
{
    return find_in(token, sizeof(methods) / sizeof(methods[0]));
}

bool h1_method_is_common(struct slice token)
{
    return find_in(token, COMMON).len > 0;
}
