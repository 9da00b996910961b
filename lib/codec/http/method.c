/* Judging request methods against the IANA registry. Pure data; any thread. Must not know what a
 * method means.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/method.h"

#include <stddef.h>

#include "lib/codec/http/message.h"

enum { COMMON = 9 };

/* The registry of RFC 9110 §16.1.1, the common ones first; QUERY is about to be there. */
static const struct slice methods[] = {
    {"GET", 3},
    {"POST", 4},
    {"PUT", 3},
    {"HEAD", 4},
    {"DELETE", 6},
    {"PATCH", 5},
    {"OPTIONS", 7},
    {"CONNECT", 7},
    {"TRACE", 5},
    {"ACL", 3},
    {"BASELINE-CONTROL", 16},
    {"BIND", 4},
    {"CHECKIN", 7},
    {"CHECKOUT", 8},
    {"COPY", 4},
    {"LABEL", 5},
    {"LINK", 4},
    {"LOCK", 4},
    {"MERGE", 5},
    {"MKACTIVITY", 10},
    {"MKCALENDAR", 10},
    {"MKCOL", 5},
    {"MKREDIRECTREF", 13},
    {"MKWORKSPACE", 11},
    {"MOVE", 4},
    {"ORDERPATCH", 10},
    {"PRI", 3},
    {"PROPFIND", 8},
    {"PROPPATCH", 9},
    {"QUERY", 5},
    {"REBIND", 6},
    {"REPORT", 6},
    {"SEARCH", 6},
    {"UNBIND", 6},
    {"UNCHECKOUT", 10},
    {"UNLINK", 6},
    {"UNLOCK", 6},
    {"UPDATE", 6},
    {"UPDATEREDIRECTREF", 17},
    {"VERSION-CONTROL", 15},
};

bool method_is_common(struct slice token)
{
    for (size_t i = 0; i < COMMON; i++) {
        if (slice_eq(token, methods[i]))
            return true;
    }
    return false;
}

static bool has_lower_case(struct slice token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (token.ptr[i] >= 'a' && token.ptr[i] <= 'z')
            return true;
    }
    return false;
}

bool method_is_valid(struct slice token)
{
    if (method_is_common(token))
        return true;
    if (token.len > METHOD_LEN_MAX || !message_name_is_valid(token))
        return false;
    if (!has_lower_case(token))
        return true;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (slice_eq_nocase(token, methods[i]))
            return false;
    }
    return true;
}
