/* A line for every certificate, in the log and, where there is a state folder, in its issued.log,
 * synced to disk before the certificate leaves; and a log line for every refusal. One thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/addr.h"
#include "lib/base/err.h"

struct audit;

/* dir: NULL for the log alone. */
MUST_USE enum err audit_open(const char *dir, struct audit **out);
void audit_close(struct audit *a);
/* Not written down: then the certificate must not be handed out. */
MUST_USE enum err audit_issued(struct audit *a, const char *spiffe_id, const char *serial,
                               const char *method, const struct addr *peer, int64_t now_ms,
                               int64_t not_after_ms);
/* spiffe_id: NULL when nobody was proven. */
void audit_refused(const char *spiffe_id, const struct addr *peer, const char *why);
