/* What of a rule does not hold, told to a trace (route/match_trace.h). Not on the request path.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/filters/authz.h"
#include "sidecar/route/match_trace.h"

enum authz_part {
    AUTHZ_PART_PRINCIPAL,
    AUTHZ_PART_NAMESPACE,
    AUTHZ_PART_SOURCE_IP,
    AUTHZ_PART_REMOTE_IP,
    AUTHZ_PART_DESTINATION_IP,
    AUTHZ_PART_METHOD,
    AUTHZ_PART_PATH,
    AUTHZ_PART_PATH_READING, /* as the app may read it */
    AUTHZ_PART_HOST,
    AUTHZ_PART_SNI,
};

/* A list, or its opposite, that the value is not in. */
void authz_trace_strings(struct match_trace *t, enum authz_part part,
                         const struct authz_strings *in, const struct authz_strings *not_in,
                         struct slice value);
/* Whatever came of it: where the address is not known, it matters that it was asked for. a: NULL
 * when nobody can tell. */
void authz_trace_cidrs(struct match_trace *t, enum authz_part part, const struct authz_cidrs *in,
                       const struct authz_cidrs *not_in, const struct addr *a, enum truth truth);
void authz_trace_ports(struct match_trace *t, const struct authz_ports *in,
                       const struct authz_ports *not_in, uint16_t port);
void authz_trace_header(struct match_trace *t, const struct authz_condition *c,
                        const struct headers *headers);
/* A rule was tried. */
void authz_trace_rule(struct match_trace *t, const struct authz_policy *p, uint32_t rule,
                      bool holds);
