/* Where data planes connect: our own certificate, the port, and the one method behind it. Opens
 * once there is a certificate. On the loop's thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "policies/policyd/policyd_options.h"

struct discovery_door;
struct identity;
struct loop;
struct roster;

/* An error only for what waiting cannot mend. */
MUST_USE enum err discovery_door_open(struct loop *l, const struct policyd_options *options,
                                      struct roster *roster, struct discovery_door **out);
/* Nobody is let in any more; then close the streams of those who are, then close it. */
void discovery_door_shut(struct discovery_door *d);
void discovery_door_close(struct discovery_door *d);
/* Data planes can come in. */
bool discovery_door_is_open(const struct discovery_door *d);
/* The roots in force, PEM. */
void discovery_door_trust(struct discovery_door *d, struct slice roots_pem);
/* Who we are; NULL: it could not be opened. */
const struct identity *discovery_door_identity(const struct discovery_door *d);
