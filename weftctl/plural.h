/* What the API server calls a kind in its paths. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"
#include "policies/kind.h"

/* "HTTPRoute" -> "httproutes", "GatewayClass" -> "gatewayclasses". NUL-terminated; mem_free it. */
char *plural_of(struct slice kind);
/* "/apis/gateway.networking.k8s.io/v1/httproutes", "/api/v1/pods": all there are. mem_free it. */
char *plural_path(const struct kind *k);
