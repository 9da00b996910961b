/* Who this workload is: gets a key and a certificate (from certd, or from files that somebody else
 * renews), makes the mesh's TLS contexts of them, and renews them at half of their life. While a
 * renewal fails, what there is goes on being used. Control thread.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "sidecar/mesh_identity.h"
#include "sidecar/settings.h"

struct identity;
struct loop;

/* All contexts are the receiver's to unref. */
typedef void (*identity_ready_fn)(void *owner, struct tls_ctx *server,
                                  struct tls_ctx *const client[MESH_ALPN_COUNT],
                                  const char *spiffe_id, int64_t not_after_ms);

/* Starts; `ready` is called from the loop, or before this returns when a usable certificate lies on
 * disk. Without certd and without files there is no mutual TLS, which is said in the log. An error
 * only for what waiting cannot mend (settings that name unreadable files). */
MUST_USE enum err identity_open(struct loop *l, const struct settings *settings,
                                identity_ready_fn ready, void *owner, struct identity **out);
void identity_close(struct identity *id);
/* Certificates obtained or loaded since the start. */
uint64_t identity_renewals(const struct identity *id);
