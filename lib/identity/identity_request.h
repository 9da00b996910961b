/* One request to the CA: the trust bundle, then a certificate for a fresh key. Proves who asks
 * with the current certificate, or with a token. On the owner's loop; never blocks but for reading
 * files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "lib/identity/identity.h"

struct identity_request;

/* On ERR_OK `material` is the receiver's; else detail says what happened. Called once, from the
 * loop. */
typedef void (*identity_request_fn)(void *owner, enum err e, struct identity_material *material,
                                    const char *detail);

/* roots: by which the CA is known (PEM); NULL: what the trust bundle's file says now. current: NULL
 * when there is no certificate to prove oneself with. An error (with detail) when it cannot even be
 * sent; then `done` is not called. */
MUST_USE enum err identity_request_open(struct loop *l, const struct identity_config *config,
                                        const char *spiffe_id, const char *roots,
                                        const struct identity_material *current,
                                        identity_request_fn done, void *owner,
                                        struct identity_request **out, char detail[TLS_DETAIL_MAX]);
/* Drops it; also after `done`. */
void identity_request_close(struct identity_request *r);
