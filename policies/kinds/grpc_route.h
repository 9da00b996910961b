/* GRPCRoute (Gateway API): which gRPC call goes where. It is a struct route whose rules are struct
 * http_route_rule: a method of a service is a path of HTTP/2.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/http_route.h"

extern const struct kind grpc_route_kind;
