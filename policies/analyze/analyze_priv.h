/* The inside of analyze: what the checks share. A check is a function of the table, by subject in
 * analyze_*.c. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/analyze/analyze.h"
#include "policies/gateway/gateway_model.h"
#include "policies/store/policy_index.h"

struct analyze {
    const struct analyze_inputs *in;
    const struct policy_set *set;
    struct diag_list *out;
    struct arena arena;
    struct gateway_model **models; /* of the Gateways that are served */
    size_t n_models;
};

/* About an object, or a place in it. line 0: where it begins. */
void analyze_say(struct analyze *a, enum finding finding, const struct object *o, unsigned line,
                 const char *path, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* Objects of Kubernetes' own and of Weft itself are nobody's to mend. */
bool analyze_is_system(const struct object *o);

/* ---- the checks ---- */

void analyze_parents_none(struct analyze *a);
void analyze_listener_unused(struct analyze *a);
void analyze_backends_none(struct analyze *a);
void analyze_endpoints_none(struct analyze *a);
void analyze_routes_shadowed(struct analyze *a);
void analyze_target_sections(struct analyze *a);
void analyze_selectors(struct analyze *a);
void analyze_ports_shut(struct analyze *a);
void analyze_rules_not_http(struct analyze *a);
void analyze_paths(struct analyze *a);
void analyze_certificates(struct analyze *a);
void analyze_ports(struct analyze *a);
void analyze_labels(struct analyze *a);
void analyze_unlabelled(struct analyze *a);
void analyze_conditions(struct analyze *a);
