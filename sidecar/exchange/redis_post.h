/* What filters have posted to Redis and no exchange waits for. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

struct worker;

/* What is under way is given up. */
void redis_post_close_all(struct worker *w);
