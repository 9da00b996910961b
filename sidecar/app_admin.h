/* What the admin server asks of the process. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"

struct app;

MUST_USE enum err app_admin_open(struct app *app);
void app_admin_close(struct app *app);
