/* Whether a session must hear first what its destination is, and the waiting for that. For
 * session*.c only. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

struct session;

/* False: go on. True: the session is parked, and side_outbound_resume follows, or its end. */
bool session_ask(struct session *s);
bool session_ask_is_parked(const struct session *s);
/* The session's timer fired while it was parked. */
void session_ask_expired(struct session *s);
/* At the session's end. */
void session_ask_dispose(struct session *s);
