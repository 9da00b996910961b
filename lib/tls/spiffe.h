/* SPIFFE identities (SPIFFE-ID standard): spiffe://<trust domain>/<path>, strict.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"

struct spiffe_id {
    struct slice text; /* the whole */
    struct slice trust_domain;
    struct slice path;   /* with its leading '/' */
    struct slice ns, sa; /* from /ns/<ns>/sa/<sa>; empty when the path has another form */
};

/* Views into text. ERR_SYNTAX for everything the standard forbids (query, fragment, port, userinfo,
 * percent, upper-case trust domain, empty or dot segments, trailing slash, more than 2048 bytes).
 */
MUST_USE enum err spiffe_parse(struct slice text, struct spiffe_id *out);
/* A trust domain alone: "cluster.local". */
bool spiffe_is_trust_domain(struct slice text);
