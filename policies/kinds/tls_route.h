/* TLSRoute (Gateway API): TLS connections, routed by the host name in their hello.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/stream_route.h"

extern const struct kind tls_route_kind;
