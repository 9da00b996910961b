/* See sim_pod.h.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/sim/sim_pod.h"

void sim_pod_prepare(struct sim_pod *p)
{
    *p = (struct sim_pod){0};
    sim_open(&p->sim);
    sim_conf_init(&p->conf);
    p->inbound = sim_conf_inbound(&p->conf);
}

void sim_pod_start(struct sim_pod *p)
{
    sim_app_open(&p->app, "10.0.9.1:8080");
    p->app.host.behind_proxy = true;
    sim_node_open(&p->node, &p->sim, MODE_SIDECAR, "10.0.9.1", &p->conf);
}

void sim_pod_close(struct sim_pod *p)
{
    sim_node_close(&p->node);
    sim_app_close(&p->app);
    sim_conf_dispose(&p->conf);
    sim_close(&p->sim);
}
