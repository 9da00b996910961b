/* Does one rule hold for one request or connection? For filters/authz.c.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/codec/http/normalize.h"
#include "sidecar/filters/authz.h"
#include "lib/codec/http/match.h"

struct match_trace; /* route/match_trace.h */

/* What rules ask about. */
struct authz_facts {
    const struct downstream_info *down;
    const struct message *request; /* NULL: an opaque connection */
    struct slice match_path;
    const struct normalize_readings *other_paths; /* NULL: the path is read in one way only */
    struct slice principal;      /* without "spiffe://"; empty: none */
    struct slice namespace_name; /* from the principal; empty: none */
    uint16_t port;               /* that was called */
    const struct addr *remote;   /* the client; NULL: nobody can tell who that is */
    struct match_trace *trace;   /* NULL on the request path */
};

/* request, remote: may be NULL. Other readings of the path are the caller's to add. */
void authz_rule_facts(struct authz_facts *f, const struct downstream_info *down,
                      const struct message *request, struct slice match_path,
                      const struct addr *remote);
/* denies: the rule belongs to a policy that refuses. Of several lines of one header, the reading
 * that refuses more is taken: one bad line makes a DENY hold, an ALLOW needs every line to be good.
 */
enum truth authz_rule_test(const struct authz_rule *r, const struct authz_facts *f, bool denies);
