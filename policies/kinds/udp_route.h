/* UDPRoute (Gateway API): datagrams. Known, so that its status can say that no Gateway of ours
 * accepts it. SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/stream_route.h"

extern const struct kind udp_route_kind;
