/* Trying contexts on each other before anyone relies on them: a whole handshake in memory, so that
 * a certificate that peers would refuse is found out here, with the sentence they would log.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/base/err.h"
#include "lib/base/slice.h"
#include "lib/tls/tls_conn.h"
#include "lib/tls/tls_ctx.h"

/* options as for the client's connection. The error and detail are those of the end that refused.
 */
MUST_USE enum err tls_check_pair(struct tls_ctx *client, struct tls_ctx *server,
                                 const struct tls_conn_options *options,
                                 char detail[TLS_DETAIL_MAX]);
