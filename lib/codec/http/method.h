/* Request methods (RFC 9110 §9), for both versions of HTTP: which may be asked for at all.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

#define METHOD_LEN_MAX 255u /* bytes; longer tokens are no method */

/* Any token is a method, known or not (RFC 9110 §9.1), but for one that differs from a registered
 * method in case only: methods are case-sensitive, and an app that thinks otherwise would read
 * "delete" as what a rule for DELETE was meant to stop. */
bool method_is_valid(struct slice token);
/* GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE, CONNECT. */
bool method_is_common(struct slice token);
