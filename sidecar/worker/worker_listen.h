/* What a worker listens on. Worker thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "sidecar/worker/worker.h"

void worker_listen_init(struct worker *w);
/* False: a sidecar's own listener could not be opened. (A gateway's are tried again.) */
bool worker_listen_open(struct worker *w);
/* Opens what the configuration newly asks for and closes what it no longer names; connections stay.
 */
void worker_listen_adopt(struct worker *w);
/* Ports for datagrams take no new clients; those that are there are served on. */
void worker_listen_drain_udp(struct worker *w);
/* And these end. */
void worker_listen_close_udp(struct worker *w);
/* All of those for connections, or all but the one for what the app sends. */
void worker_listen_close(struct worker *w, bool outbound_too);
