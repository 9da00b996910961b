/* Text into the paths and queries of API requests. Pure.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/slice.h"

/* Percent-encoded (RFC 3986 §2.1), but for what never needs it; NUL-terminated, mem_free it. */
char *kube_path_escape(struct slice s);
