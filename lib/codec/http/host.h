/* The host that an authority names.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/slice.h"

#define HOST_MAX 255 /* RFC 1035 §2.3.4; longer ones name nothing */

/* "A.b.:80" -> "A.b", "[::1]:80" -> "[::1]". The dot that may end a name is not part of it: "a.b."
 * and "a.b" are the same host, and a policy must not see two. */
struct slice host_of_authority(struct slice authority);
/* The port that it says, or 0. */
uint16_t host_port_of_authority(struct slice authority);
/* Lower-cases into `to` and returns that; the empty slice when it is longer than HOST_MAX. */
struct slice host_lower(struct slice host, char to[HOST_MAX]);
