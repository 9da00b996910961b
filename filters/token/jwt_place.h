/* Where tokens stand in requests: fields of the head, cookies, parameters of the query. Worker
 * thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/filter.h"

enum jwt_place_kind { JWT_IN_HEADER, JWT_IN_COOKIE, JWT_IN_PARAM };

struct jwt_place {
    enum jwt_place_kind kind;
    struct slice name;   /* a header's is lower-case */
    struct slice prefix; /* of a header's value: "Bearer " */
};

struct jwt_place_list {
    const struct jwt_place *items;
    size_t count;
};

bool jwt_place_eq(const struct jwt_place *a, const struct jwt_place *b);
bool jwt_place_is_in(const struct jwt_place_list *list, const struct jwt_place *place);

struct jwt_token {
    struct slice text;
    const struct jwt_place *place; /* the first at which it stands */
};

enum jwt_found {
    JWT_FOUND_NONE,
    JWT_FOUND_ONE,
    JWT_FOUND_SEVERAL, /* different ones, or a field, cookie or parameter that is there twice: who
                          reads another one of them than we do would be deceived */
};

enum jwt_found jwt_place_search(const struct filter_exchange *x, const struct jwt_place_list *in,
                                struct jwt_token *out);
/* Tokens in the query are not logged. */
void jwt_place_hide(struct filter_exchange *x, const struct jwt_place_list *list);
/* Takes away what stands there; a header that has something else ("Basic …") stays. */
void jwt_place_clear(struct filter_exchange *x, const struct jwt_place *place);
