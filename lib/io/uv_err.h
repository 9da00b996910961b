/* libuv's status codes as ours; the only place where the two meet. Pure, any thread. Must not know
 * streams or loops.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"

/* Zero and positive are ERR_OK. */
enum err err_from_uv(int status);
/* For people; static. */
const char *uv_err_text(int status);
