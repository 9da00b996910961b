/* Where data planes connect: our own certificate, the port, and the one method behind it. Opens
 * once there is a certificate. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "policies/policyd/policyd_options.h"

struct discovery_listener;
struct identity;
struct loop;
struct subscriber_list;

/* An error only for what waiting cannot mend. */
MUST_USE enum err discovery_listener_open(struct loop *l, const struct policyd_options *options,
                                          struct subscriber_list *subscribers,
                                          struct discovery_listener **out);
/* Nobody is let in any more; then close the streams of those who are, then close it. */
void discovery_listener_shut(struct discovery_listener *d);
void discovery_listener_close(struct discovery_listener *d);
/* Data planes can come in. */
bool discovery_listener_is_open(const struct discovery_listener *d);
/* The roots in force, PEM. */
void discovery_listener_trust(struct discovery_listener *d, struct slice roots_pem);
/* Who we are; NULL: it could not be opened. */
const struct identity *discovery_listener_identity(const struct discovery_listener *d);
