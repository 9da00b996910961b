/* Why a rule does not hold, for people: `weftctl explain` runs the data plane's decision with a
 * trace. On the request path there is none (NULL).
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "filters/authz.h"

struct authz_trace {
    struct arena *arena; /* of all texts */
    struct slice miss;   /* of the rule under way: the first part that does not hold; empty: none */
    /* Something was decided by an address that is 0.0.0.0 because nobody has said it. */
    bool asked_unknown_address;
    /* Told of each rule, in the order in which they are tried; miss is empty when it holds. */
    void (*on_rule)(void *owner, const struct authz_policy *p, uint32_t rule, struct slice miss);
    void *owner;
};

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
    AUTHZ_PART_TOKEN_PRINCIPAL,
    AUTHZ_PART_TOKEN_CLAIM,
};

/* A list, or its opposite, that the value is not in. */
void authz_trace_strings(struct authz_trace *t, enum authz_part part,
                         const struct authz_strings *in, const struct authz_strings *not_in,
                         struct slice value);
/* Whatever came of it: where the address is not known, it matters that it was asked for. a: NULL
 * when nobody can tell. */
void authz_trace_cidrs(struct authz_trace *t, enum authz_part part, const struct authz_cidrs *in,
                       const struct authz_cidrs *not_in, const struct addr *a, enum truth truth);
void authz_trace_ports(struct authz_trace *t, const struct authz_ports *in,
                       const struct authz_ports *not_in, uint16_t port);
void authz_trace_header(struct authz_trace *t, const struct authz_condition *c,
                        const struct headers *headers);
/* Something asks for a token that nobody has read; is_awaited: and somebody may still do so. */
void authz_trace_no_token(struct authz_trace *t, bool is_awaited);
/* A rule was tried. */
void authz_trace_rule(struct authz_trace *t, const struct authz_policy *p, uint32_t rule,
                      bool holds);
