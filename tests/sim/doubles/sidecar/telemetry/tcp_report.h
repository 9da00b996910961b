/* What a tunnel reports at its beginning and end. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/session.h"
#include "sidecar/upstream/cluster.h"

void tcp_report_opened(struct session *s, struct cluster *c);
void tcp_report_closed(struct session *s, struct cluster *c, struct endpoint *e, uint64_t sent,
                       uint64_t received, enum fail why);
