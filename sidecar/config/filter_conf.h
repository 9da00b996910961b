/* The chain of authorization. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/config/part.h"
#include "sidecar/config/snapshot.h"
#include "filters/filter.h"

struct authz;
const struct filter_chain *filter_conf_authz(struct part *p, const struct authz *authz);
