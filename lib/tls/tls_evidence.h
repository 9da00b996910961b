/* What a peer has shown: its certificates, kept while its connection lives, so that other roots can
 * be asked about it later. Connections of one thread that were shown the same share one copy.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/base/slice.h"
#include "lib/tls/digest.h"

struct tls_evidence {
    struct tls_evidence *next; /* of the same bucket */
    size_t refs, count;
    uint8_t digest[DIGEST_SIZE];
    struct slice certs[]; /* DER, the leaf first; in the same block of memory */
};

/* One reference, of this thread. Certificates are copied. */
struct tls_evidence *tls_evidence_take(const struct slice *certs, size_t count);
/* On the thread that took it; NULL is allowed. */
void tls_evidence_release(struct tls_evidence *e);
