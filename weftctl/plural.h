/* What the API server calls a kind in its paths. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* "HTTPRoute" -> "httproutes", "GatewayClass" -> "gatewayclasses". NUL-terminated; mem_free it. */
char *plural_of(struct slice kind);
