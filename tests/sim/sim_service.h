/* A sidecar and a service with several endpoints, 10.0.0.1 and up, each an HTTP server, asked by
 * one client over HTTP/2. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "tests/sim/sim_road.h"

enum { SIM_SERVICE_APPS = 4 };

struct sim_service {
    struct sim_road r;
    struct sim_server apps[SIM_SERVICE_APPS];
    struct sim_client client;
};

/* The configuration, which a test may change before sim_service_start. */
void sim_service_prepare(struct sim_service *s, unsigned endpoints);
void sim_service_start(struct sim_service *s, enum http_protocol protocol);
void sim_service_finish(struct sim_service *s);
struct sim_call *sim_service_ask(struct sim_service *s);
/* So often, 10 ms apart. */
void sim_service_ask_times(struct sim_service *s, unsigned times);
