/* Who is on the other end of a downstream connection, and how it came. Lives as long as the
 * session.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdbool.h>

#include "lib/base/addr.h"
#include "lib/base/slice.h"

struct tls_peer; /* lib/io/stream.h */

struct downstream_info {
    struct addr peer, local, original_dst;
    const struct tls_peer *tls_peer; /* NULL: plaintext, or no certificate */
    bool is_tls;
    struct slice sni;
    /* At a Gateway: names of the client's certificate, which was verified, each with a NUL behind
     * it (lib/tls/tls_verify.h). Empty: it has shown none that is good. */
    struct slice client_names;
};
