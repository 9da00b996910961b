/* Key, certificate chain and roots as PEM: kept on disk, and checked. Blocks on files.
 * SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <stdint.h>

#include "lib/base/err.h"
#include "lib/tls/tls_ctx.h"

struct identity_material {
    char *key_pem, *chain_pem, *roots_pem; /* mem_alloc'ed */
    int64_t not_before_ms, not_after_ms;
};

void identity_material_dispose(struct identity_material *m);
/* Reads the dates, and refuses what is not ours (another SPIFFE ID, expired, a CA) or what nobody
 * would trust: ERR_UNTRUSTED when it does not chain to m's roots, ERR_INVALID when those are none.
 */
MUST_USE enum err identity_material_check(struct identity_material *m, const char *spiffe_id,
                                          int64_t now_ms, char detail[TLS_DETAIL_MAX]);
MUST_USE enum err identity_material_read(struct identity_material *m, const char *key_file,
                                         const char *chain_file, const char *roots_file);
/* identity.pem, which is the key and then the chain so that no crash can part them, and roots.pem
 * of a folder. */
MUST_USE enum err identity_material_load(struct identity_material *m, const char *dir);
MUST_USE enum err identity_material_save(const struct identity_material *m, const char *dir);
