/* What is told about an exchange, a tunnel or a flow when it ends: metrics and a line of the access
 * log. Worker thread; reads facts and changes nothing but counters.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/session/flow.h"
#include "sidecar/session/session.h"
#include "sidecar/telemetry/access_log.h"
#include "sidecar/telemetry/metrics.h"
#include "sidecar/upstream/cluster.h"

/* Who called whom, for what is about to end. endpoint may be NULL (none was reached). */
void report_fill_key(struct metrics_key *key, const struct session *s,
                     const struct cluster *cluster, const struct endpoint *endpoint);
/* Who called whom, of what this data plane sends. */
void report_fill_sent(struct metrics_key *key, const struct worker *w,
                      const struct cluster *cluster, const struct endpoint *endpoint);
/* What the connection says for a line of the log. */
void report_fill_record(struct access_record *r, const struct session *s,
                        const struct cluster *cluster, const struct endpoint *endpoint,
                        uint64_t duration_us);

/* Whether something that ended gets a line in the access log, and in which form: as the data plane
 * was told when it was started, else as the newest configuration says. */
bool report_is_logged(const struct worker *w, bool is_error);
bool report_is_json(const struct worker *w);

/* The same of flows of datagrams. why: FAIL_NONE when it was silent for long enough. */
void report_flow_opened(const struct worker *w, const struct flow *f);
void report_flow_closed(const struct worker *w, const struct flow *f, enum fail why);

void report_tunnel_opened(const struct session *s, const struct cluster *cluster);
void report_tunnel_closed(const struct session *s, const struct cluster *cluster,
                          const struct endpoint *endpoint, uint64_t sent, uint64_t received,
                          enum fail why);
