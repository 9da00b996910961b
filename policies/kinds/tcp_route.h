/* TCPRoute (Gateway API): connections, routed by the listener they come to.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/stream_route.h"

extern const struct kind tcp_route_kind;
