/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "filters/token/jwt_source.h"

#include <stdio.h>

static enum err read_keys(struct published *from, struct slice text, struct published_doc *d,
                          char why[PUBLISHED_WHY_MAX])
{
    struct jwt_keys *k = (struct jwt_keys *)(void *)d;
    (void)from;
    _Static_assert(PUBLISHED_WHY_MAX >= JWK_WHY_MAX, "a reason has room");
    enum err e = jwk_set_parse(text, JWK_PUBLIC_ONLY, &d->arena, &k->set, why);
    if (e || k->set.count)
        return e;
    snprintf(why, PUBLISHED_WHY_MAX, "has no key of use: %.100s", k->set.unused_why);
    return ERR_INVALID;
}

static const struct published_kind keys = {
    .filter = "jwt",
    .noun = "keys",
    .doc_size = sizeof(struct jwt_keys),
    .text_max = JWK_SET_TEXT_MAX,
    .read = read_keys,
};

struct published *jwt_source_of(struct published **list, struct filter_keep *keep,
                                struct slice uri, struct slice cluster, uint32_t timeout_ms)
{
    return published_of(list, &keys, keep, uri, cluster, timeout_ms);
}
