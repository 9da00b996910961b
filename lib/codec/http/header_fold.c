/* Folding of field names: what is neither a letter nor a digit becomes a hyphen. Names are in lower
 * case, as messages hold them. Any thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/codec/http/header_fold.h"

static inline bool is_kept(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static inline char fold(char c)
{
    return is_kept(c) ? c : '-';
}

bool header_fold_is_odd(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_kept(name.ptr[i]) && name.ptr[i] != '-')
            return true;
    return false;
}

bool header_fold_starts_with(struct slice name, struct slice prefix)
{
    if (name.len < prefix.len)
        return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (fold(name.ptr[i]) != fold(prefix.ptr[i]))
            return false;
    return true;
}

bool header_fold_eq(struct slice a, struct slice b)
{
    return a.len == b.len && header_fold_starts_with(a, b);
}

enum header_id header_fold_id(struct slice name)
{
    char folded[32];
    if (name.len > sizeof(folded))
        return HEADER_OTHER;
    for (size_t i = 0; i < name.len; i++)
        folded[i] = fold(name.ptr[i]);
    return header_id_of(slice_of(folded, name.len));
}

enum header_fold_rule header_fold_judge(struct slice name)
{
    if (header_fold_starts_with(name, SLICE("x-forwarded-")) ||
        header_fold_starts_with(name, SLICE("x-weft-")))
        return HEADER_FOLD_DROP;
    switch (header_fold_id(name)) {
    case HEADER_CF_CONNECTING_IP:
    case HEADER_HTTP2_SETTINGS:
    case HEADER_KEEP_ALIVE:
    case HEADER_PROXY_CONNECTION:
    case HEADER_TRUE_CLIENT_IP:
    case HEADER_X_CLIENT_IP:
    case HEADER_X_CLUSTER_CLIENT_IP:
    case HEADER_X_REAL_IP:
    case HEADER_X_REQUEST_ID:
        return HEADER_FOLD_DROP;
    case HEADER_CONTENT_LENGTH:
    case HEADER_TRANSFER_ENCODING:
        return HEADER_FOLD_REFUSE;
    default:
        return HEADER_FOLD_PASS;
    }
}
