/* The request methods that are spoken: llhttp's, without those of RTSP and the HTTP/2 preface.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/slice.h"

#define H1_METHOD_MAX 16u /* longer tokens are no method at all */

/* The method as static text; empty when it is not spoken. Methods are case-sensitive. */
struct slice h1_method_find(struct slice token);
/* GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, TRACE, CONNECT. */
bool h1_method_is_common(struct slice token);
