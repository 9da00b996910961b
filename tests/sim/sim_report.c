/* The data plane's reports, kept instead of counted.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_report.h"

#include "sidecar/exchange_priv.h"
#include "sidecar/telemetry/tcp_report.h"

struct sim_report sim_report;

void exchange_report(struct exchange *ex)
{
    sim_report.exchanges++;
    sim_report.fail = ex->fail;
    sim_report.attempts = ex->attempts;
    sim_report.status = ex->response ? ex->response->status : 0;
    sim_report.request_bytes = ex->request_bytes;
    sim_report.response_bytes = ex->response_bytes;
}

void tcp_report_opened(struct session *s, struct cluster *c)
{
    (void)s;
    (void)c;
    sim_report.tunnels_opened++;
}

void tcp_report_closed(struct session *s, struct cluster *c, struct endpoint *e, uint64_t sent,
                       uint64_t received, enum fail why)
{
    (void)s;
    (void)c;
    (void)e;
    sim_report.tunnels_closed++;
    sim_report.fail = why;
    sim_report.request_bytes = sent;
    sim_report.response_bytes = received;
}
