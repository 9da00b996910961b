/* The kubelet's probes and HTTP hooks of the app, which the injector led here so that they need no
 * certificate: "/app-health/<container>/livez" and "/app-lifecycle/<key>/<container>/prestop" ask
 * the app what the kubelet wanted to ask. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "sidecar/control/app_call.h"

struct admin_request;
struct app_probes;

/* json: {"<container>/livez": {"httpGet": {"path", "port", "scheme", "httpHeaders"} or
 * "tcpSocket": {"port"} or "grpc": {"port", "service"}, "timeoutSeconds"}}; NULL: none. */
MUST_USE enum err app_probes_create(const char *json, const struct app_call_place *place,
                                    struct app_probes **out, char why[192]);
/* Questions under way are dropped; nobody is answered. */
void app_probes_destroy(struct app_probes *p);
/* path: behind "/app-health/". */
void app_probes_ask(struct app_probes *p, struct slice path, struct admin_request *request);
/* The same for a hook, behind "/app-lifecycle/": where the app does not answer, the connection
 * breaks off. */
void app_probes_run(struct app_probes *p, struct slice path, struct admin_request *request);
