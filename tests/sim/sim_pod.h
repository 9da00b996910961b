/* A pod: a sidecar at 10.0.9.1 and behind it an app at port 8080, whose connections the test speaks
 * for. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/sim.h"
#include "tests/sim/sim_report.h"

struct sim_pod {
    struct sim sim;
    struct sim_conf conf;
    sim_inbound *inbound;
    struct sim_node node;
    struct sim_app app;
};

/* The configuration, which a test may change before sim_pod_start. */
void sim_pod_prepare(struct sim_pod *p);
void sim_pod_start(struct sim_pod *p);
void sim_pod_close(struct sim_pod *p);
