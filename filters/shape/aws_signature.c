/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/shape/aws_signature.h"

#include "lib/tls/digest.h"

struct slice aws_hash(struct arena *arena, struct slice data)
{
    uint8_t digest[DIGEST_SIZE];
    char text[DIGEST_HEX_MAX];
    digest_sha256(data, digest);
    return arena_copy(arena, slice_from_cstr(digest_hex(digest, text)));
}

struct slice aws_signature(struct arena *arena, struct slice first_key,
                           const struct aws_scope *scope, struct slice time,
                           struct slice canonical)
{
    struct slice hash = aws_hash(arena, canonical);
    struct slice text = arena_printf(
        arena, AWS_SIGNATURE_ALGORITHM "\n%.*s\n%.*s/%.*s/%.*s/aws4_request\n%.*s", SLICE_ARG(time),
        SLICE_ARG(scope->day), SLICE_ARG(scope->region), SLICE_ARG(scope->service),
        SLICE_ARG(hash));
    struct slice parts[] = {scope->day, scope->region, scope->service, SLICE("aws4_request"), text};
    uint8_t keys[2][DIGEST_SIZE];
    char hex[DIGEST_HEX_MAX];
    struct slice key = first_key;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        digest_hmac_sha256(key, parts[i], keys[i % 2]);
        key = slice_of((const char *)keys[i % 2], DIGEST_SIZE);
    }
    struct slice out =
        arena_copy(arena, slice_from_cstr(digest_hex((const uint8_t *)key.ptr, hex)));
    digest_wipe(keys, sizeof(keys));
    return out;
}
