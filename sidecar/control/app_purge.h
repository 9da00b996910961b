/* The administration port's word to forget responses that filters keep. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct admin_request;

/* POST /cache/purge: ?url=, ?prefix= or ?all=true. */
void app_purge_post(void *owner, struct admin_request *request);
