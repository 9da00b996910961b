/* What the objects that policyd makes for a Gateway are called, and by which labels they are found.
 * Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "policies/kinds/gateway.h"

#define GATEWAY_NAMES_MAX 64

/* Its ServiceAccount, Deployment and Service: "<gateway>-<class>", shortened with a hash where that
 * would be no name of a Service any more. Returns name. */
char *gateway_names_managed(const struct gateway *g, char name[GATEWAY_NAMES_MAX]);
/* The name of a Gateway or of its class as the value of a label, which has room for 63 bytes: as it
 * is, or shortened with a hash in the same way. Returns label. */
char *gateway_names_label(struct slice name, char label[GATEWAY_NAMES_MAX]);
