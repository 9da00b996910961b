/* Who a request is from, as the filters that authenticate found out. Set once per exchange, by
 * filter_caller_set; read by whatever decides or counts by it: lists of groups, limits,
 * authorization, the access log. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

struct consumer; /* filters/caller/consumer.h */
struct doc;      /* lib/codec/doc/doc.h */
struct filter_exchange;

/* Strings lie in the exchange's arena, or live as long as the exchange's configuration. What does
 * not apply is empty. */
struct filter_caller {
    const char *method;              /* the filter that said so: "keyAuth" */
    const struct consumer *consumer; /* NULL: the caller is not one of the Consumers */
    struct slice consumer_id;        /* "shop/mobile-app" */
    struct slice username, custom_id;
    struct slice credential_id; /* which of the caller's credentials; never the secret itself */
    const struct slice *groups;
    size_t group_count;
    struct slice principal;        /* of a token: "<issuer>/<subject>" */
    struct slice issuer, subject;
    const struct doc *claims; /* of a token: its payload, an object; NULL: there was none */
    bool is_anonymous;        /* nobody has shown a credential, and that is allowed */
};

/* A zeroed one in the exchange's arena, which is the exchange's from now on. A later filter that
 * authenticates as well replaces what an earlier one has said. */
struct filter_caller *filter_caller_set(struct filter_exchange *x, const char *method);
/* Is the caller in that group? */
bool filter_caller_has_group(const struct filter_caller *c, struct slice group);
