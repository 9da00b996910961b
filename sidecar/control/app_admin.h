/* What people and Kubernetes ask the process: health, metrics, and what it is doing right now.
 * Control thread; what belongs to a worker is read on that worker, by a visit.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"

struct app;

/* Opens the listeners that the settings name; the error is logged. */
MUST_USE enum err app_admin_open(struct app *app);
void app_admin_close(struct app *app);
